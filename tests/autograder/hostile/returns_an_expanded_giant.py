"""A view of one number that is a terabyte once it is copied.

Score: 2
"""

def double(X):
    return X.flatten()[:1].expand(1 << 38)
