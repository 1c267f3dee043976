"""Text that is no text.

Score: 2
"""

def double(X):
    return "\ud800\udfff" * 1000
