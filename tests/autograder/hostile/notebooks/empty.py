"""Nothing.

Score: 0
State: unreadable
"""

def attack(notebook):
    return b""
