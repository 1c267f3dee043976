"""A bool tensor, equal to 1 where it is True.

Score: 2
"""

def double(X):
    return X == X
