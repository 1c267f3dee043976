"""Seeded mutation of what a student can send: notebooks, and messages on the wire.

The mutators know the structure (cells, nodes, frames, safetensors headers), so that
most of what they make gets past the first check. Everything is drawn from one
``random.Random``: a seed and a number name a case for ever.
"""

from __future__ import annotations

import copy
import json
import random
import struct
from typing import Any

TEXTS = (
    "",
    "\0",
    "\ufeff",
    "\u2028def double(X): return 1",
    "\x0c",
    "\x1b[2J",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a\\]b]: javascript:alert(1)",
    "](" * 300,
    "\n" * 300 + "%",
    "%%time\n" * 40,
    "!ls\n" * 40,
    "(" * 120,
    "-" * 300 + "1",
    "a" + ".b" * 400,
    "=cmd|' /C calc'!A0",
    "é" * 50,
    "\ud800",
    "../../gradebook.db",
    "x" * 3000,
)
VALUES = (
    None,
    True,
    False,
    0,
    -1,
    4,
    4.0,
    1 << 31,
    1 << 64,
    -(1 << 70),
    10**400,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"": None},
    ["double", 1, None],
    {"nbgrader": {"grade_id": "double", "points": 500, "solution": True}},
)
WORDS = (
    "cells cell_type code markdown raw source metadata nbgrader grade_id double total "
    "why test_double points grade solution locked schema_version nbformat "
    "nbformat_minor kernelspec outputs attachments tags id skip-execution"
).split()
NODE_WORDS = (
    "t v tag value events raised missing wire kind message bases line cell id handle "
    "plain float list tuple dict foreign tensor array dtype device built net "
    "inputs aliases requires_grad grads operators nets warnings weights training "
    "float32 bfloat16 _inductor onnx bits8 cpu meta cuda:0"
).split()
KINDS = "plain float list tuple dict foreign tensor array dtype device built".split()
DTYPES = (
    "F64 F32 F16 BF16 I64 I32 I16 I8 U8 U16 U32 U64 BOOL C64 F8_E4M3 F8_E5M2 F8_E8M0 "
    "F4 F6_E2M3 X9"
).split()


# --- JSON -----------------------------------------------------------------------------


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    stack = [value]
    while stack:
        item = stack.pop()
        keys: Any = ()
        if isinstance(item, dict):
            keys = list(item)
        elif isinstance(item, list):
            keys = range(len(item))
        for key in keys:
            found.append((item, key))
            if isinstance(item[key], dict | list):
                stack.append(item[key])
    return found


def anything(rng: random.Random, words: list[str]) -> Any:
    """Draw a small JSON value; on the wire, often one that looks like a node."""
    if words is NODE_WORDS and rng.random() < 0.5:
        return _node(rng)
    roll = rng.randrange(5)
    if roll == 0:
        return copy.deepcopy(rng.choice(VALUES))
    if roll == 1:
        return rng.choice(TEXTS)
    if roll == 2:
        return rng.choice(words)
    if roll == 3:
        return [anything(rng, words) for _ in range(rng.randrange(3))]
    return {rng.choice(words): anything(rng, words) for _ in range(rng.randrange(3))}


def _node(rng: random.Random) -> dict[str, Any]:
    inside = rng.choice((0, 1, "nan", "x", "float32", "_inductor", [], {}, 9**30, None))
    if rng.random() < 0.3:
        inside = [_node(rng) for _ in range(rng.randrange(3))]
    node = {"t": rng.choice(KINDS), "v": inside}
    if rng.random() < 0.3:
        node["tag"] = rng.choice(("net", "batches", "handle", [], {}, 1, None))
    return node


def mutate_value(rng: random.Random, value: Any, words: list[str]) -> Any:
    """Return a JSON value with one to four changes somewhere in it."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 4)):
        places = _places(value, [])
        if not places:
            return anything(rng, words)
        container, key = rng.choice(places)
        _change(rng, container, key, places, words)
    return value


def _change(
    rng: random.Random,
    container: Any,
    key: Any,
    places: list[tuple[Any, Any]],
    words: list[str],
) -> None:
    roll, old = rng.randrange(9), container[key]
    if roll == 0:
        del container[key]
    elif roll == 1:
        container[key] = [old] * rng.randint(0, 3)
    elif roll == 2:
        container[key] = {rng.choice(words): old}
    elif roll == 3:
        other, other_key = rng.choice(places)
        if isinstance(other, dict) is isinstance(other_key, str):
            try:
                container[key] = copy.deepcopy(other[other_key])
            except (KeyError, IndexError):
                container[key] = None
    elif roll == 4 and isinstance(old, str):
        at = rng.randrange(len(old) + 1)
        container[key] = old[:at] + rng.choice(TEXTS) + old[at:]
    elif roll == 5 and isinstance(container, dict):
        container[rng.choice(words)] = container.pop(key)
    elif roll == 6 and isinstance(container, list):
        container.insert(rng.randrange(len(container) + 1), copy.deepcopy(old))
    elif roll == 7:
        deep: Any = old
        for _ in range(rng.choice((5, 20, 60))):
            deep = [deep] if rng.random() < 0.5 else {"v": deep}
        container[key] = deep
    else:
        container[key] = anything(rng, words)


def mutate_bytes(rng: random.Random, data: bytes) -> bytes:
    """Return a text with a few bytes changed, cut, doubled or put in."""
    raw = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(raw) + 1)
        roll = rng.randrange(6)
        if roll == 0 and raw:
            raw[at % len(raw)] = rng.randrange(256)
        elif roll == 1:
            raw[at:at] = rng.choice(
                (b"\xff", b"\xc0\x80", b"{", b"[" * 50, b'"', b",", b"NaN", b"\\ud800")
            )
        elif roll == 2:
            del raw[at : at + rng.randrange(1, 30)]
        elif roll == 3:
            raw[at:at] = raw[at : at + rng.randrange(1, 60)]
        elif roll == 4:
            del raw[at:]
        else:
            raw[:0] = rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"\x1f\x8b"))
    return bytes(raw)


# --- notebooks ------------------------------------------------------------------------


def notebook(rng: random.Random, base: dict[str, Any]) -> bytes:
    """Return the bytes of a changed notebook."""
    value = mutate_value(rng, base, WORDS)
    if rng.random() < 0.1 and isinstance(value, dict) and value.get("cells"):
        cells = value["cells"]
        value["cells"] = cells * 3 if isinstance(cells, list) else cells
    data = json.dumps(value).encode("utf-8", "surrogatepass")
    if rng.random() < 0.15:
        at = data.find(b'"cells"')
        data = data[:at] + b'"cells": [], ' + data[at:]
    if rng.random() < 0.25:
        data = mutate_bytes(rng, data)
    if rng.random() < 0.02:
        data = data.decode("utf-8", "replace").encode("utf-16")
    return data


# --- messages -------------------------------------------------------------------------


def message(rng: random.Random, header: dict[str, Any], payload: bytes) -> bytes:
    """Return the bytes of a changed frame; the lengths are mostly true."""
    if rng.random() < 0.75:
        header = mutate_value(rng, header, NODE_WORDS)
    if rng.random() < 0.5:
        payload = mutate_payload(rng, payload)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        text = mutate_bytes(rng, text)
    lengths = [len(text), len(payload)]
    if rng.random() < 0.1:
        lengths[rng.randrange(2)] = rng.choice(
            (0, 1, 7, 8, 1 << 18, (1 << 18) + 1, 1 << 24, 1 << 31, (1 << 32) - 1)
        )
    data = struct.pack("<II", *lengths) + text + payload
    return mutate_bytes(rng, data) if rng.random() < 0.05 else data


def mutate_payload(rng: random.Random, payload: bytes) -> bytes:
    """Return a safetensors payload with a header that lies, or none at all."""
    if len(payload) < 8 or rng.random() < 0.2:
        return rng.randbytes(rng.choice((0, 1, 7, 8, 9, 40)))
    (size,) = struct.unpack("<Q", payload[:8])
    if rng.random() < 0.2 or size > len(payload) - 8:
        return mutate_bytes(rng, payload)
    try:
        header = json.loads(payload[8 : 8 + size])
    except ValueError:
        return mutate_bytes(rng, payload)
    data = payload[8 + size :]
    for name, entry in list(header.items()):
        roll = rng.randrange(7)
        if roll == 0:
            entry["dtype"] = rng.choice(DTYPES)
        elif roll == 1:
            entry["shape"] = rng.choice(
                ([], [0], [1], [2, 3], [1 << 62, 4], [-1], [0, 1 << 40], ["2"], 3)
            )
        elif roll == 2:
            entry["data_offsets"] = rng.choice(
                ([0, 0], [0, len(data)], [1, 0], [0, 1 << 63], [-4, 4], [8, 4], [])
            )
        elif roll == 3:
            entry = dict(entry, shape=[0], data_offsets=[0, 0])
            header.update({f"x{i}": entry for i in range(rng.choice((1, 50, 400)))})
        elif roll == 4:
            header[rng.choice(("__metadata__", "0", "", "9" * 30))] = header.pop(name)
        elif roll == 5:
            entry["dtype"] = "C64"
            entry["shape"] = [len(data) // 8]
            entry["data_offsets"] = [0, len(data) // 8 * 8]
    text = json.dumps(header).encode()
    size = rng.choice((len(text),) * 9 + (0, 1 << 40, len(text) + 8))
    return struct.pack("<Q", size) + text + data
