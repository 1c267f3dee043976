"""Keys that are equal as text.

Score: 2
"""

def double(X):
    return {1: X, "1": X, None: X, (1, 2): X}
