"""The name of a dtype is looked up in torch: some names import half of it.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def double(X):
    os.write(3, frame({"id": 2, "value": {"t": "dtype", "v": "_inductor"}}))
    return X
