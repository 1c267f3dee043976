"""A list nested ten thousand times.

Score: 2
"""

def double(X):
    value = [X]
    for _ in range(10_000):
        value = [value]
    return value
