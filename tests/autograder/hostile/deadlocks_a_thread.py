"""Waits for a lock that it holds.

Score: 2
"""

import threading

lock = threading.Lock()


def double(X):
    lock.acquire()
    lock.acquire()
