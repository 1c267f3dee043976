"""A hundred thousand brackets.

Score: 0
State: unreadable
"""

def attack(notebook):
    return b"[" * 100_000
