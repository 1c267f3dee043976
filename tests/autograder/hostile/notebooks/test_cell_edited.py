"""The tests test nothing.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "def double(X):\n    return X"
    cell(notebook, "test_double")["source"] = "3.0"
    return notebook
