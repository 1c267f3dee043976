"""True equals 1, and 2.0 equals 2: an id is an int.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    os.write(3, frame({"id": 2.0, "value": {"t": "plain", "v": None}}))
    return 2 * X
