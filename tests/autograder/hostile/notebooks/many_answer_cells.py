"""A thousand copies of the answer.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    c = cell(notebook, "double")
    notebook["cells"] += [dict(c, id=f"c{i}") for i in range(900)]
    return notebook
