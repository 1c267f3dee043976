"""Sockets with names, left open: the next case would find the name taken.

Score: 5
"""

import socket

held = socket.socket(socket.AF_UNIX)
held.bind("\0left-behind")
held.listen()
port = socket.socket()
port.bind(("127.0.0.1", 4567))
port.listen()


def double(X):
    return 2 * X
