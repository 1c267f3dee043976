"""Threads without end.

Score: 2
"""

import threading
import time


def double(X):
    threads = []
    while True:
        thread = threading.Thread(target=time.sleep, args=(1000,))
        thread.start()
        threads.append(thread)
