"""Points that are no number.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "test_double")["metadata"]["nbgrader"]["points"] = "NaN"
    return notebook
