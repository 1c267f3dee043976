"""The function is called by a look-alike: another name for Python.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "def d\u043euble(X):\n    return 2 * X"
    return notebook
