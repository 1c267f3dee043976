"""A list longer than a message may be.

Score: 2
"""

def double(X):
    return [0] * 1_000_000
