"""The stack runs out.

Score: 2
"""

import sys

sys.setrecursionlimit(10**9)


def double(X):
    return double(X)
