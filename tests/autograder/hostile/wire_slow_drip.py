"""One byte at a time, so that no single read is late.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    import time

    os.write(3, struct.pack("<II", 200_000, 0))
    while True:
        os.write(3, b" ")
        time.sleep(0.05)
