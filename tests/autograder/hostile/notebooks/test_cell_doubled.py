"""The test cell stands twice.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    notebook["cells"].append(dict(cell(notebook, "test_double"), id="again"))
    return notebook
