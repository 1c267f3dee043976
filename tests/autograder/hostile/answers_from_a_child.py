"""A child that was forked answers in place of its parent.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def double(X):
    if os.fork() == 0:
        os.write(3, frame({"id": 2, "value": {"t": "plain", "v": 1}}))
        os._exit(0)
    os.wait()
    return X
