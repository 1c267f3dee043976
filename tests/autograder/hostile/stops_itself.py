"""The process stops, as with Ctrl-Z, and its children with it.

Score: 2
"""

import os
import signal


def double(X):
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.kill(0, signal.SIGSTOP)
    while True:
        signal.pause()
