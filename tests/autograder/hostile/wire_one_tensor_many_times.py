"""One large tensor, named ten thousand times.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def double(X):
    data = bytes(1 << 22)
    entry = {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}
    text = json.dumps({"0": entry}).encode()
    value = {"t": "list", "v": [{"t": "tensor", "v": 0}] * 9_000}
    payload = struct.pack("<Q", len(text)) + text + data
    message = memoryview(frame({"id": 2, "value": value}, payload))
    while message:
        message = message[os.write(3, message):]
    return X
