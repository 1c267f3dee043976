"""Frames without end.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    while True:
        os.write(3, frame({"id": 2, "value": {"t": "plain", "v": 1}}))
