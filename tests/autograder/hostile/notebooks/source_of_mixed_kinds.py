"""A list of lines with other things in it.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    c = cell(notebook, "double")
    c["source"] = [17, None, *c["source"].splitlines(keepends=True), {}]
    return notebook
