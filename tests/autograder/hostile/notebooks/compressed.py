"""A gzip bomb under the name of a notebook.

Score: 0
State: unreadable
"""

import gzip


def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    return gzip.compress(bytes(200_000_000))
