"""Zero bytes inside of words.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "de\0f double(X):\n    ret\0urn X"
    return notebook
