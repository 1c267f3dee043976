"""An answer cell takes the name of the test.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["metadata"]["nbgrader"]["grade_id"] = "test_double"
    return notebook
