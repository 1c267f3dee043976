"""No Python at all.

Score: 2
"""

def double(X:
    return 2 * X
