"""Infinity must not count as close to anything.

Score: 2
"""

def double(X):
    return X * float("inf")
