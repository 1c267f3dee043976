"""A regular expression that backtracks for years.

Score: 2
"""

import re


def double(X):
    re.match("(a*)*b", "a" * 60)
