"""A detached process outlives the call; the answer is right.

Score: 5
"""

import os
import time


def double(X):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    return 2 * X
