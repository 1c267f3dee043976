"""Frames, strict JSON and values: what the wire carries and what it refuses."""

import socket
import struct
import time

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import wire
from autograder.wire import Channel, Foreign, WireClosed, WireError, WireTimeout


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    yield Channel(ours), theirs
    ours.close()
    theirs.close()


def soon():
    return time.monotonic() + 5


def frame(header, payload=b"", lengths=None):
    lengths = lengths or (len(header), len(payload))
    return struct.pack("<II", *lengths) + header + payload


VALUES = [
    None,
    True,
    -(2**62),
    0.1,
    float("inf"),
    "colour",
    [1, [2.5, "x"]],
    (1, 2),
    {"a": [None]},
    torch.float64,
    torch.device("cpu"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was_sent(value):
    assert wire.unpack(*wire.pack(value)) == value


def test_nan_crosses_as_a_float():
    assert wire.unpack(*wire.pack(float("nan"))) != wire.unpack(*wire.pack(1.0))


TENSORS = [
    torch.arange(6).reshape(2, 3),
    torch.arange(6.0).reshape(2, 3).T,
    torch.tensor(1.5),
    torch.zeros(0, 3),
    torch.ones(4, dtype=torch.bfloat16),
    torch.tensor([True, False]),
    torch.ones(2, requires_grad=True) * 2,
    torch.ones(3).expand(2, 3),
]


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda t: f"{t.dtype}{tuple(t.shape)}")
def test_a_tensor_comes_back_with_dtype_shape_and_values(tensor):
    (back,) = wire.unpack(*wire.pack([tensor]))
    assert back.dtype == tensor.dtype
    assert not back.requires_grad
    assert torch.equal(back, tensor.detach())


def test_two_tensors_that_share_memory_come_back_apart():
    X = torch.zeros(2, 2)
    first, second = wire.unpack(*wire.pack([X, X.T]))
    first += 1
    assert second.sum() == 0


def test_arrays_stay_arrays_and_numpy_numbers_become_numbers():
    array, number = wire.unpack(*wire.pack([numpy.arange(3), numpy.float32(0.5)]))
    assert isinstance(array, numpy.ndarray)
    assert array.tolist() == [0, 1, 2]
    assert number == 0.5


FOREIGN = [
    object(),
    10**30,
    torch.ones(2).to_sparse(),
    torch.ones(2, device="meta"),
    numpy.array([object()]),
    {1, 2},
]


@pytest.mark.parametrize("value", FOREIGN, ids=lambda v: type(v).__name__)
def test_what_cannot_cross_leaves_only_the_name_of_its_kind(value):
    assert isinstance(wire.unpack(*wire.pack(value)), Foreign)


BAD_HEADERS = [
    b'{"id": NaN}',
    b'{"id": Infinity}',
    b'{"id": 1e999}',
    b'{"id": 1, "id": 2}',
    b"[1]",
    b"\xff",
    b"",
    b"[" * 100_000,
    b'{"id": ' + b"9" * 10_000 + b"}",
]


@pytest.mark.parametrize("text", BAD_HEADERS, ids=lambda t: str(t[:14]))
def test_a_header_that_is_no_strict_json_object_is_refused(text):
    with pytest.raises(WireError, match="not a strict JSON object"):
        wire.parse(text)


BAD_NODES = [
    None,
    [],
    {},
    {"t": "nothing"},
    {"t": "_Packer"},
    {"t": ["plain"]},
    {"t": "plain", "v": {}},
    {"t": "plain", "v": 2**70},
    {"t": "float", "v": "x" * 50},
    {"t": "float", "v": 1},
    {"t": "list", "v": 1},
    {"t": "dict", "v": [["a"]]},
    {"t": "dict", "v": [["a", {"t": "plain"}], ["a", {"t": "plain"}]]},
    {"t": "tensor", "v": 0},
    {"t": "tensor", "v": True},
    {"t": "array", "v": "0"},
    {"t": "dtype", "v": "load"},
    {"t": "built", "tag": "net", "v": {"t": "dict", "v": []}},
]


@pytest.mark.parametrize("node", BAD_NODES, ids=repr)
def test_a_value_that_lies_is_refused(node):
    with pytest.raises(WireError):
        wire.unpack(node, b"")


def test_values_are_bounded_in_depth_and_number():
    deep = 1
    for _ in range(wire.MAX_DEPTH + 2):
        deep = [deep]
    for value in (deep, [0] * (wire.MAX_ITEMS + 1)):
        with pytest.raises(WireError, match="too deeply or has too many parts"):
            wire.pack(value)


def test_a_frame_crosses(ends):
    ours, theirs = ends
    theirs.sendall(frame(b'{"id": 1}', b"abc"))
    assert ours.receive(soon()) == ({"id": 1}, b"abc")


@pytest.mark.parametrize(
    "lengths", [(2**32 - 1, 0), (2, 2**32 - 1), (wire.MAX_HEADER + 1, 0)]
)
def test_a_frame_that_is_too_large_is_refused_before_it_is_read(ends, lengths):
    ours, theirs = ends
    theirs.sendall(frame(b"{}", lengths=lengths))
    with pytest.raises(WireError, match="is too large"):
        ours.receive(soon())


def test_silence_and_half_a_frame_end_with_a_timeout(ends):
    ours, theirs = ends
    theirs.sendall(frame(b"{}", lengths=(100, 0)))
    with pytest.raises(WireTimeout, match="no answer in time"):
        ours.receive(time.monotonic() + 0.05)


def test_nobody_reading_ends_with_a_timeout(ends):
    ours, _ = ends
    with pytest.raises(WireTimeout, match="not taken in time"):
        ours.send({}, b"x" * wire.MAX_PAYLOAD, time.monotonic() + 0.1)


def test_a_closed_end_is_told_apart_from_a_slow_one(ends):
    ours, theirs = ends
    theirs.close()
    with pytest.raises(WireClosed):
        ours.receive(soon())


def test_a_message_of_ours_that_is_too_large_is_not_sent(ends):
    with pytest.raises(WireError, match="is too large"):
        ends[0].send({"x": "y" * wire.MAX_HEADER})


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.close()
        try:
            header, payload = Channel(ours).receive(soon())
            wire.unpack(header.get("value"), payload)
        except WireError:
            pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["t", "v", "tag", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
NODES = st.recursive(
    JSON,
    lambda inner: st.fixed_dictionaries(
        {"t": st.sampled_from(sorted(wire.KINDS)), "v": st.lists(inner) | inner}
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(NODES, st.binary(max_size=100))
def test_no_value_breaks_the_unpacker(node, payload):
    try:
        wire.unpack(node, payload)
    except WireError:
        pass


@settings(max_examples=200, deadline=None)
@given(st.text(), st.integers(1, 50))
def test_cleaned_text_is_bounded_and_can_be_stored(text, limit):
    cleaned = wire.clean_text(text, limit)
    assert len(cleaned) <= limit
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert not any(ord(c) < 32 and c not in "\n\t" for c in cleaned)
