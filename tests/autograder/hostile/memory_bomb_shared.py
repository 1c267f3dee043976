"""Shared anonymous mappings, written full.

Score: 2
"""

import mmap


def double(X):
    hoard = []
    while True:
        piece = mmap.mmap(-1, 1 << 26)
        piece.write(b"x" * (1 << 26))
        hoard.append(piece)
