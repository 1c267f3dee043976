"""Fifty megabytes of message.

Score: 2
"""

def double(X):
    raise ValueError("x" * 50_000_000)
