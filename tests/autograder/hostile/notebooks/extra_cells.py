"""Cells of the student own, harmless.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    notebook["cells"].insert(0, {"cell_type": "code", "metadata": {}, "source": "import os\nos._exit(0)", "outputs": []})
    notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "<script>alert(1)</script>"})
    return notebook
