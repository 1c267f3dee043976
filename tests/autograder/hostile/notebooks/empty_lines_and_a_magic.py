"""A pattern that searches the same empty lines again from each of them takes hours.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "\n" * 190_000 + "%"
    return notebook
