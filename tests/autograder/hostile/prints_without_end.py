"""Output without end.

Score: 2
"""

def double(X):
    while True:
        print("x" * 1_000_000)
