"""Bytes that are no text.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    os.write(3, frame(b"\xff\xfe\x00"))
    return 2 * X
