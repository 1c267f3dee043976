"""A null pointer.

Score: 2
"""

import ctypes


def double(X):
    return ctypes.string_at(0)
