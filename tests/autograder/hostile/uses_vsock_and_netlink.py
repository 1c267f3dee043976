"""Socket families that a network namespace does not cover.

Score: 2
"""

import socket


def double(X):
    opened = []
    for family in (16, 17, 38, 40):
        try:
            opened.append(socket.socket(family, socket.SOCK_RAW))
        except OSError:
            try:
                opened.append(socket.socket(family, socket.SOCK_STREAM))
            except OSError:
                pass
    return 2 * X if opened else X
