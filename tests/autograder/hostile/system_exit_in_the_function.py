"""exit() in the function.

Score: 2
"""

def double(X):
    exit()
