"""Every call takes nearly as long as it may; the total is bounded.

Score: 2
"""

import time


def _slow(X):
    time.sleep(1.8)
    return X


double = total = _slow
