"""An exception whose text raises.

Score: 2
"""

class Bad(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


def double(X):
    raise Bad
