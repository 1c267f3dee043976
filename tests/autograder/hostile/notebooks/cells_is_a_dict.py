"""Cells that are no list.

Score: 0
State: unreadable
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    notebook["cells"] = {}
    return notebook
