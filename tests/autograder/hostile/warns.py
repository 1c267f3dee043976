"""A warning and a line on stderr; the answer is right.

Score: 5
"""

import sys
import warnings


def double(X):
    warnings.warn("harmless")
    print("harmless", file=sys.stderr)
    return 2 * X
