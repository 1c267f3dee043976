"""The written answer says that it is a test.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    meta = cell(notebook, "why")["metadata"]["nbgrader"]
    meta["solution"] = False
    cell(notebook, "why")["cell_type"] = "code"
    return notebook
