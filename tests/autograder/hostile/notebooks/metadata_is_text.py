"""Metadata that is text.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    notebook["cells"].append({"cell_type": "code", "metadata": "nbgrader", "source": "1", "outputs": []})
    return notebook
