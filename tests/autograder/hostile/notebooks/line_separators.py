"""Characters that some readers take for line ends, inside a comment.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "double")["source"] = (
        "def double(X):\n    return X  # \u2028    return 2 * X \x0c \x0b \x85\x1c return 2 * X"
    )
    return notebook
