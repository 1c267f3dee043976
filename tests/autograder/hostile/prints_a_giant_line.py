"""Two hundred megabytes on one line; the answer is right.

Score: 5
"""

import sys


def double(X):
    sys.stdout.write("x" * 200_000_000)
    sys.stderr.write("x" * 1_000_000)
    return 2 * X
