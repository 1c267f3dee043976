"""Descriptors without end.

Score: 2
"""

def double(X):
    held = []
    while True:
        held.append(open("/dev/null"))
