"""An integer of a hundred thousand digits.

Score: 2
"""

def double(X):
    return 10**100_000
