"""IPython magics and shell escapes are text here.

Score: 5
"""

%load_ext autoreload
!touch /tmp/pwned


def double(X):
    return 2 * X
