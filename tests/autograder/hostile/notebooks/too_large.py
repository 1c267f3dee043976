"""Thirty megabytes of attachment.

Score: 0
State: unreadable
"""

import json


def attack(notebook):
    notebook["metadata"]["x"] = "x" * (30 << 20)
    return json.dumps(notebook).encode()
