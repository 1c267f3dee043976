"""An exception that is not an Exception.

Score: 2
"""

def double(X):
    raise KeyboardInterrupt
