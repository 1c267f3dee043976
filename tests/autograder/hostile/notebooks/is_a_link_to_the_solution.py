"""A link to the model solution.

Score: 0
State: unreadable
"""

import json


def attack(notebook, path):
    solution = path.with_name("solution.ipynb")
    solution.write_text(json.dumps(notebook))
    path.symlink_to(solution)
