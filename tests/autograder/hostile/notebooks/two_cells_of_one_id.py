"""Two cells with one cell id, as a copy makes them.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    for c in notebook["cells"]:
        c["id"] = "same"
    return notebook
