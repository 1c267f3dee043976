"""Nothing there.

Score: 0
State: unreadable
"""

def attack(notebook, path):
    pass
