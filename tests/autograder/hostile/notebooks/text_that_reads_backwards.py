"""Direction marks make the code look other than it is.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "def double(X):\n    '\u202e'\n    return X #\u2066 X * 2 nruter\u2069"
    return notebook
