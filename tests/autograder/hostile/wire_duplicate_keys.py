"""Two ids, of which one is right.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    os.write(3, frame(b'{"id": 2, "id": 2, "value": {"t": "plain", "v": true}}'))
    return 2 * X
