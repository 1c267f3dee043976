"""Magics that are each transformed by reading everything again.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "!ls\n" * 12_000
    return notebook
