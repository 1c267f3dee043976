"""The tag that makes nbclient skip a test cell.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = "def double(X):\n    return X"
    for c in notebook["cells"]:
        c["metadata"]["tags"] = ["skip-execution"]
    return notebook
