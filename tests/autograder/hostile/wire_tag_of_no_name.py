"""A description whose name cannot be looked up.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def double(X):
    value = {"t": "built", "tag": ["net"], "v": {"t": "plain", "v": 1}}
    os.write(3, frame({"id": 2, "value": value}))
    return X
