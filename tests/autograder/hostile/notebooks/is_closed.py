"""A device.

Score: 0
State: unreadable
"""

def attack(notebook, path):
    path.symlink_to("/dev/zero")
