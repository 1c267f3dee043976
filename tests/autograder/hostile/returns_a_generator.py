"""A generator in place of a value.

Score: 2
"""

def double(X):
    yield 2 * X
