"""A sparse tensor does not cross the wire.

Score: 2
"""

def double(X):
    return (2 * X).to_sparse()
