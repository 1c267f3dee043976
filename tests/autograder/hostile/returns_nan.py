"""A score or a value that is no number.

Score: 2
"""

def double(X):
    return X * float("nan")
