"""A kernel that does not exist.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "evil", "display_name": "x", "language": "bash"}
    return notebook
