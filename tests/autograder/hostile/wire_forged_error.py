"""An error report with wrong kinds in it.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    os.write(3, frame({"id": 2, "raised": {"kind": {"a": 1}, "message": [1], "line": "x", "bases": 7}}))
    os._exit(0)
