"""Waits for longer than anybody.

Score: 2
"""

import time


def double(X):
    time.sleep(10**6)
