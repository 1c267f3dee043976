"""The other encoding that editors offer.

Score: 0
State: unreadable
"""

import json


def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    return json.dumps(notebook).encode("utf-16")
