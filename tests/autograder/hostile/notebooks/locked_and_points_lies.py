"""Every cell says that it is locked, graded and worth a thousand points.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    for c in notebook["cells"]:
        about = c["metadata"].get("nbgrader", {})
        about.update(locked=True, grade=True, solution=False, points=1e9, cell_type="raw", checksum="0")
    return notebook
