"""No value at all.

Score: 2
"""

def double(X):
    2 * X
