"""A cell of the student's own with megabytes of code.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    source = "x = (1, 2, 3)\n" * 100_000
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": source, "outputs": []})
    return notebook
