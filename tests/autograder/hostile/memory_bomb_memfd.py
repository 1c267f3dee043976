"""Memory in files without a name.

Score: 2
"""

import os


def double(X):
    while True:
        handle = os.memfd_create("hoard")
        for _ in range(64):
            os.write(handle, b"x" * (1 << 20))
