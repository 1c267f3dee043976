"""A pipe that nobody writes to.

Score: 0
State: unreadable
"""

import os


def attack(notebook, path):
    os.mkfifo(path)
