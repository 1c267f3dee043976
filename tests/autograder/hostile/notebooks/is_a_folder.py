"""A folder.

Score: 0
State: unreadable
"""

def attack(notebook, path):
    path.mkdir()
