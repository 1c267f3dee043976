"""The wire between the grader and the sandbox: bounded frames, strict JSON, tensors.

A frame is two lengths, a JSON header and a safetensors payload. Both ends share this
file, and each treats what it reads as written by an enemy: lengths are checked before
anything is allocated, JSON has no duplicate keys and no ``NaN``, and nothing is ever
unpickled.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_HEADER = 1 << 18  # bytes
MAX_PAYLOAD = 1 << 24  # bytes
MAX_DEPTH = 12  # of nested lists, tuples and dicts
MAX_NESTING = 64  # of the JSON that carries them
MAX_ITEMS = 10_000  # values in one message
MAX_TEXT = 2_000  # characters of one string, after which it is cut
MAX_INT = 1 << 63

KINDS = frozenset(
    "plain float list tuple dict foreign tensor array dtype device built".split()
)
#: the dtypes whose values a check can compare; others cross as a name
DTYPES = frozenset(
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 "
    "float16 bfloat16 float32 float64 complex64 complex128".split()
)

_LENGTHS = struct.Struct("<II")
#: what the zygote is told: to open or close a room, its number, seconds of patience
ORDER = struct.Struct("<cId")
OPEN, CLOSE = b"o", b"c"
ANSWER = struct.Struct("<Ii")  # the number again, and how the room had ended


class WireError(Exception):
    """The other end broke the rules of the wire."""


class WireClosed(WireError):
    """The other end is gone."""


class WireTimeout(WireError):
    """The other end did not answer in time."""


@dataclass(frozen=True)
class Foreign:
    """A value that cannot cross the wire; only the name of its type does."""

    kind: str


def clean_text(text: object, limit: int = MAX_TEXT) -> str:
    r"""Text that is safe to store and show: bounded, valid Unicode, no control codes.

    >>> clean_text("a\x1b[31mb\ud800", 10)
    'a[31mb?'
    >>> clean_text("x" * 50, 10)
    'xxxxxxxxx…'
    """
    try:
        text = str(text)
    except (RecursionError, ValueError):  # nested without end, or a giant number
        text = f"({type(text).__name__})"
    cut = text[: limit - 1] + "…" if len(text) > limit else text
    if str.isprintable(cut):  # as most is; a lone surrogate is not
        return cut
    cut = cut.encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in cut if c in "\n\t" or c.isprintable())


def clean_line(text: object, limit: int = MAX_TEXT) -> str:
    r"""Return clean text in one line, so that none of it can pass for a line of ours.

    >>> clean_line("no\n  ✓ 3/3  All is well")
    'no ✓ 3/3 All is well'
    """
    return " ".join(clean_text(text, limit).split())


def nested_deeper(value: Any, limit: int) -> bool:
    """Tell whether lists and dicts stand in each other more than ``limit`` deep.

    >>> nested_deeper([[1]], 2), nested_deeper([[1]], 1)
    (False, True)
    """
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        below: list[Any] = []
        for item in level:
            inside = item.values() if isinstance(item, dict) else item
            below.extend(v for v in inside if isinstance(v, dict | list))
        if not below:
            return False
        level = below
    return True


# --- frames ---------------------------------------------------------------------------


class Channel:
    """One end of a connected stream socket, sending and receiving whole frames."""

    def __init__(self, sock: socket.socket):
        self.sock = sock

    def send(
        self,
        header: Mapping[str, Any],
        payload: bytes = b"",
        deadline: float = math.inf,
    ) -> None:
        """Send one frame, or raise WireTimeout after ``deadline`` (time.monotonic)."""
        text = json.dumps(header, allow_nan=False).encode()
        if len(text) > MAX_HEADER or len(payload) > MAX_PAYLOAD:
            raise WireError(
                f"a message of {len(text)} + {len(payload)} bytes is too large; "
                f"the limits are {MAX_HEADER} + {MAX_PAYLOAD}"
            )
        frame = memoryview(_LENGTHS.pack(len(text), len(payload)) + text + payload)
        try:
            while frame:
                self._wait(deadline)
                frame = frame[self.sock.send(frame[: 1 << 20]) :]
        except TimeoutError:
            raise WireTimeout("the message was not taken in time") from None
        except OSError as error:
            raise WireClosed(str(error)) from None

    def receive(self, deadline: float = math.inf) -> tuple[dict[str, Any], bytes]:
        """Receive one frame; lengths are refused before memory is given to them."""
        header, payload = _LENGTHS.unpack(self._read(_LENGTHS.size, deadline))
        if header > MAX_HEADER or payload > MAX_PAYLOAD:
            raise WireError(f"a frame of {header} + {payload} bytes is too large")
        return parse(self._read(header, deadline)), self._read(payload, deadline)

    def close(self) -> None:
        """Close this end."""
        self.sock.close()

    def _read(self, size: int, deadline: float) -> bytes:
        got = bytearray()
        try:
            while len(got) < size:
                self._wait(deadline)
                piece = self.sock.recv(min(size - len(got), 1 << 20))
                if not piece:
                    raise WireClosed("the other end closed the connection")
                got += piece
        except TimeoutError:
            raise WireTimeout("no answer in time") from None
        except OSError as error:
            raise WireClosed(str(error)) from None
        return bytes(got)

    def _wait(self, deadline: float) -> None:
        """Let the next socket operation block until ``deadline`` at the latest."""
        if deadline == math.inf:
            self.sock.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)


def parse(text: bytes) -> dict[str, Any]:
    """Parse a header: one JSON object, no duplicate keys, no NaN, bounded depth.

    >>> parse(b'{"id": 1}')
    {'id': 1}
    >>> parse(b'{"id": NaN}')
    Traceback (most recent call last):
    autograder.wire.WireError: not a strict JSON object: NaN is not JSON
    """
    try:
        value = json.loads(
            text.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            object_pairs_hook=_no_duplicates,
        )
    except (ValueError, RecursionError) as error:
        raise WireError(f"not a strict JSON object: {clean_text(error, 80)}") from None
    if not isinstance(value, dict):
        raise WireError("not a strict JSON object: another kind of value")
    if nested_deeper(value, MAX_NESTING):
        raise WireError("not a strict JSON object: nested too deeply")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice")
    return value


# --- values ---------------------------------------------------------------------------


def pack(values: object) -> tuple[Any, bytes]:
    """Turn a value into a JSON node and a safetensors payload."""
    tensors: list[Any] = []
    node = _Packer(tensors).node(values)
    if not tensors:
        return node, b""
    from safetensors.torch import save

    return node, save({str(i): t for i, t in enumerate(tensors)})


def unpack(
    node: object,
    payload: bytes,
    builders: Mapping[str, Callable[[dict[str, Any]], Any]] | None = None,
) -> Any:
    """Turn a JSON node and payload back into values; raise WireError on any lie.

    ``builders`` makes descriptions (of networks, of data) into objects; the grader
    passes none, so a student process cannot send any.
    """
    tensors: dict[str, Any] = {}
    if payload:
        from safetensors.torch import load

        # A long list of empty tensors would need far more memory than it has bytes.
        if int.from_bytes(payload[:8], "little") > MAX_HEADER:
            raise WireError("not safetensors: its header is too large")
        try:
            tensors = load(payload)
        except Exception as error:  # the library's own errors are of many kinds
            raise WireError(f"not safetensors: {clean_text(error, 80)}") from None
    return _Unpacker(tensors, builders or {}).value(node)


class _Packer:
    def __init__(self, tensors: list[Any]):
        self.tensors = tensors
        self.items = 0

    def node(self, value: Any, depth: int = 0) -> dict[str, Any]:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise WireError("the value is nested too deeply or has too many parts")
        if value is None or isinstance(value, bool):
            return {"t": "plain", "v": value}
        if isinstance(value, int):
            return (
                {"t": "plain", "v": int(value)}
                if abs(value) < MAX_INT
                else {"t": "foreign", "v": "int beyond 64 bits"}
            )
        if isinstance(value, float):
            return {"t": "float", "v": repr(float(value))}
        if isinstance(value, str):
            return {"t": "plain", "v": clean_text(value)}
        if isinstance(value, list | tuple):
            kind = "tuple" if isinstance(value, tuple) else "list"
            return {"t": kind, "v": [self.node(v, depth + 1) for v in value]}
        if isinstance(value, dict):
            pairs = [[clean_text(k), self.node(v, depth + 1)] for k, v in value.items()]
            return {"t": "dict", "v": pairs}
        if hasattr(type(value), "__wire__"):
            tag, fields = value.__wire__()
            return {"t": "built", "tag": tag, "v": self.node(fields, depth + 1)}
        return self._array(value)

    def _array(self, value: Any) -> dict[str, Any]:
        import numpy
        import torch

        if isinstance(value, torch.dtype):
            name = str(value).removeprefix("torch.")
            return {"t": "dtype" if name in DTYPES else "foreign", "v": name}
        if isinstance(value, torch.device):
            return {"t": "device", "v": str(value)}
        if isinstance(value, numpy.generic):
            return self.node(value.item())
        if isinstance(value, numpy.ndarray):
            try:
                return {**self._tensor(torch.from_numpy(value.copy())), "t": "array"}
            except TypeError:
                return {"t": "foreign", "v": f"numpy array of {value.dtype}"}
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        return {"t": "foreign", "v": clean_text(type(value).__name__, 60)}

    def _tensor(self, value: Any) -> dict[str, Any]:
        import torch

        if value.layout != torch.strided or value.is_quantized or value.is_meta:
            return {"t": "foreign", "v": f"{value.layout} tensor".replace("torch.", "")}
        plain = value.detach().as_subclass(torch.Tensor)
        plain = plain.resolve_conj().resolve_neg().cpu()
        self.tensors.append(plain.clone(memory_format=torch.contiguous_format))
        return {"t": "tensor", "v": len(self.tensors) - 1}


class _Unpacker:
    def __init__(
        self,
        tensors: dict[str, Any],
        builders: Mapping[str, Callable[[dict[str, Any]], Any]],
    ):
        self.tensors = tensors
        self.builders = builders
        self.items = 0

    def value(self, node: Any, depth: int = 0) -> Any:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise WireError("the value is nested too deeply or has too many parts")
        kind = node.get("t") if isinstance(node, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise WireError("a value has no known type")
        return getattr(self, f"_{kind}")(node.get("v"), node, depth)

    def _plain(self, value: Any, node: dict[str, Any], depth: int) -> Any:
        if isinstance(value, str):
            return clean_text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and abs(value) < MAX_INT:
            return value
        raise WireError("a plain value is none")

    def _float(self, value: Any, node: dict[str, Any], depth: int) -> float:
        if not isinstance(value, str) or len(value) > 40:
            raise WireError("a float is none")
        try:
            return float(value)
        except ValueError:
            raise WireError("a float is none") from None

    def _list(self, value: Any, node: dict[str, Any], depth: int) -> list[Any]:
        if not isinstance(value, list):
            raise WireError("a list is none")
        return [self.value(v, depth + 1) for v in value]

    def _tuple(self, value: Any, node: dict[str, Any], depth: int) -> tuple[Any, ...]:
        return tuple(self._list(value, node, depth))

    def _dict(self, value: Any, node: dict[str, Any], depth: int) -> dict[str, Any]:
        if not isinstance(value, list):
            raise WireError("a dict is none")
        result: dict[str, Any] = {}
        for pair in value:
            if not (isinstance(pair, list) and len(pair) == 2):
                raise WireError("a dict is none")
            key = clean_text(pair[0]) if isinstance(pair[0], str) else None
            if key is None or key in result:
                raise WireError("a dict has a bad key")
            result[key] = self.value(pair[1], depth + 1)
        return result

    def _foreign(self, value: Any, node: dict[str, Any], depth: int) -> Foreign:
        return Foreign(clean_text(value, 60))

    def _tensor(self, value: Any, node: dict[str, Any], depth: int) -> Any:
        # Each once: ten thousand references to one tensor would be cheap to send only.
        tensor = self.tensors.pop(str(value), None) if type(value) is int else None
        if tensor is None:
            raise WireError("a tensor is missing")
        dtype = str(tensor.dtype).removeprefix("torch.")
        return tensor if dtype in DTYPES else Foreign(f"{dtype} tensor")

    def _array(self, value: Any, node: dict[str, Any], depth: int) -> Any:
        tensor = self._tensor(value, node, depth)
        try:
            return tensor.numpy()
        except (AttributeError, TypeError, RuntimeError):
            raise WireError("an array has a type that numpy does not know") from None

    def _dtype(self, value: Any, node: dict[str, Any], depth: int) -> Any:
        import torch

        # Never getattr(torch, …) with any name: some of them import half of torch.
        if not isinstance(value, str) or value not in DTYPES:
            raise WireError("a dtype is none")
        return getattr(torch, value)

    def _device(self, value: Any, node: dict[str, Any], depth: int) -> Any:
        import torch

        if value not in ("cpu", "meta"):
            return Foreign(clean_text(f"device {value}", 60))
        return torch.device(value)

    def _built(self, value: Any, node: dict[str, Any], depth: int) -> Any:
        tag = node.get("tag")
        build = self.builders.get(tag) if isinstance(tag, str) else None
        if build is None:
            raise WireError("a description is not welcome here")
        return build(self.value(value, depth + 1))
