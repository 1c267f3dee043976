"""A byte order mark, as Windows editors write.

Score: 5
"""

import json


def attack(notebook):
    return b"\xef\xbb\xbf" + json.dumps(notebook).encode()
