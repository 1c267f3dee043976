"""What loading reports is of another kind.

Score: 0
"""

import json
import os
import struct


def frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


os.write(3, frame({"id": 1, "value": {"t": "list", "v": [{"t": "plain", "v": 1}]}}))


def double(X):
    return 2 * X
