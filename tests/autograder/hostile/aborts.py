"""abort() in C.

Score: 2
"""

import ctypes


def double(X):
    ctypes.CDLL(None).abort()
