"""Every exception is swallowed, KeyboardInterrupt too.

Score: 2
"""

def double(X):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
