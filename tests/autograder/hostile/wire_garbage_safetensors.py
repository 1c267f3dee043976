"""Offsets that overlap, shapes that lie.

Score: 2
"""

import json
import os
import struct


def frame(header, payload=b"", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", *(lengths or (len(text), len(payload)))) + text + payload


def double(X):
    head = json.dumps({"0": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 8]}}).encode()
    data = struct.pack("<Q", len(head)) + head + b"x" * 8
    os.write(3, frame({"id": 2, "value": {"t": "tensor", "v": 0}}, data))
    os._exit(0)
