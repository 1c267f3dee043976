"""A link to another file.

Score: 0
State: unreadable
"""

def attack(notebook, path):
    path.symlink_to("/etc/passwd")
