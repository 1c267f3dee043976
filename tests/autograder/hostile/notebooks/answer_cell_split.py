"""An accident: the answer cell was split in two.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    first = cell(notebook, "double")
    first["source"] = "def double(X):\n    pass"
    second = dict(first, id="second")
    second["source"] = "def double(X):\n    return 2 * X"
    notebook["cells"].insert(notebook["cells"].index(first) + 1, second)
    return notebook
