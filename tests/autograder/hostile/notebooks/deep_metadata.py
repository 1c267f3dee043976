"""Metadata nested two hundred times.

Score: 0
State: unreadable
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    value = {}
    for _ in range(200):
        value = {"a": value}
    notebook["metadata"] = value
    return notebook
