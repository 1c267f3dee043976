"""A tensor without data.

Score: 2
"""

def double(X):
    return X.to("meta")
