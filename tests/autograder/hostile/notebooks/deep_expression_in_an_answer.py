"""An expression too deep to be read: what stands beside it must not run.

Score: 2
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    deep = "x = " + "+".join(["1"] * 20_000)
    cell(notebook, "double")["source"] = deep + "\n\ndef double(X):\n    return 2 * X"
    return notebook
