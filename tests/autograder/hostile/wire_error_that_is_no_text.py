"""An exception whose message is nested lists, and whose line is endless.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def double(X):
    deep = []
    for _ in range(900):
        deep = [deep]
    error = {"kind": deep, "message": deep, "cell": deep, "line": 10**4000, "bases": deep}
    os.write(3, frame({"id": 2, "raised": error}))
    return X
