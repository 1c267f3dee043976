"""while True.

Score: 2
"""

def double(X):
    while True:
        pass
