"""An id that cannot be looked up: the answer counts as missing.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["metadata"]["nbgrader"]["grade_id"] = ["double"]
    return notebook
