"""NaN, Infinity and numbers that overflow.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    os.write(3, frame(b'{"id": NaN, "value": 1e999}'))
    return 2 * X
