"""Windows line ends.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    for c in notebook["cells"]:
        c["source"] = c["source"].replace("\n", "\r\n")
    return notebook
