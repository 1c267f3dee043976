"""Half a notebook.

Score: 0
State: unreadable
"""

import json


def attack(notebook):
    text = json.dumps(notebook).encode()
    return text[: len(text) // 2]
