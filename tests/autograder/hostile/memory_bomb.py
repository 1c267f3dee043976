"""A list without end.

Score: 2
"""

def double(X):
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))
