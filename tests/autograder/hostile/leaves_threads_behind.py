"""Threads that go on computing; the answer is right.

Score: 5
"""

import threading


def _busy():
    while True:
        pass


def double(X):
    threading.Thread(target=_busy, daemon=True).start()
    return 2 * X
