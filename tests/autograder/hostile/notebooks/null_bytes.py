"""Characters that C does not like.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    c = cell(notebook, "double")
    c["source"] = "\0" + c["source"]
    return notebook
