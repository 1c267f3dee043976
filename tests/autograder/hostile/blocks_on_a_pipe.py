"""Reads from a pipe that nobody writes to.

Score: 2
"""

import os


def double(X):
    reader, _ = os.pipe()
    return os.read(reader, 1)
