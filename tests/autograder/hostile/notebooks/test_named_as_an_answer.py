"""The test takes the name of the answer, and is joined to it.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "def double(X):\n    return X"
    cell(notebook, "test_double")["source"] = "def double(X):\n    return X + 0"
    cell(notebook, "test_double")["metadata"]["nbgrader"]["grade_id"] = "double"
    return notebook
