"""A list of lines of which some are no lines.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    lines = ["def double(X):\n", None, 5, ["import os"], {"a": 1}, "    return 2 * X"]
    cell(notebook, "double")["source"] = lines
    return notebook
