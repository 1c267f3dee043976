"""Window arithmetic against torch's layers, against counting by hand, and refusals."""

import re
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.geometry import (
    ReceptiveField,
    Window,
    output_shape,
    output_size,
    pixel_use,
    pixel_use_2d,
    receptive_field,
    same_padding,
    span,
    split_total,
    unused,
)

checked = pytest.mark.usefixtures("as_readers_see_it")

SIDES = list(product(range(4), repeat=2))
GRID = list(product(range(1, 12), range(1, 6), SIDES, range(1, 5), range(1, 4)))


# Numbers that the course prints


@pytest.mark.parametrize(
    ("size", "kernel_size", "settings", "shape"),
    [
        ((8, 8), 3, {"padding": 1}, (8, 8)),
        ((8, 8), (5, 3), {"padding": (2, 1)}, (8, 8)),
        ((8, 8), 3, {"padding": 1, "stride": 2}, (4, 4)),
        ((8, 8), (3, 5), {"padding": (0, 1), "stride": (3, 4)}, (2, 2)),
        ((3, 3), 2, {"padding": 1, "stride": (3, 2)}, (2, 2)),
        ((8, 8), 3, {"stride": 2}, (3, 3)),
        ((8, 8), 3, {"stride": 2, "ceil_mode": True}, (4, 4)),
        ((28, 28), 5, {"padding": 2}, (28, 28)),
        ((14, 14), 5, {}, (10, 10)),
        ((6, 8), (1, 2), {}, (6, 7)),
        ((8, 6), (1, 2), {}, (8, 5)),
        ((6, 8), 2, {"padding": ((1, 0), (0, 1))}, (6, 8)),
        ((6, 8), 2, {"padding": ((2, 0), 0)}, (7, 7)),
        ((9, 8), (2, 3), {"dilation": (4, 2)}, (5, 4)),
        (7, 3, {}, (5, 5)),
        ([7, 6], [3, 2], {"stride": [1, 2], "padding": [0, 1]}, (5, 4)),
    ],
)
@checked
def test_output_shape_gives_the_printed_shapes(size, kernel_size, settings, shape):
    assert output_shape(size, kernel_size, **settings) == shape


def test_ten_layers_of_5x5_take_40_pixels_from_240():
    n = 240
    for _ in range(10):
        n = output_size(n, 5)
    assert n == 200


@pytest.mark.parametrize(
    ("total", "sides"), [(0, (0, 0)), (1, (1, 0)), (4, (2, 2)), (5, (3, 2))]
)
def test_split_total_puts_the_larger_half_first(total, sides):
    assert split_total(total) == sides


@pytest.mark.parametrize(
    ("k", "dilation", "length"),
    [(1, 1, 1), (1, 5, 1), (3, 1, 3), (3, 2, 5), (5, 3, 13)],
)
def test_span_counts_from_the_first_tap_to_the_last(k, dilation, length):
    assert span(k, dilation) == length
    assert span(k) == k


def test_same_padding_keeps_the_size_and_its_total_is_the_span_less_one():
    for n, k, dilation in product(range(1, 9), range(1, 8), range(1, 4)):
        padding = same_padding(k, dilation)
        assert sum(padding) == span(k, dilation) - 1
        assert padding[0] - padding[1] in (0, 1)
        assert output_size(n, k, padding=padding, dilation=dilation) == n
    assert same_padding(5) == (2, 2)
    assert same_padding(2) == (1, 0)
    assert same_padding(4, 3) == (5, 4)


def test_pixel_use_gives_the_printed_counts():
    assert pixel_use_2d((3, 3), 3, padding=1) == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    assert pixel_use_2d((3, 3), 3, padding=2) == [[9] * 3] * 3
    assert pixel_use_2d(6, 3)[0] == [1, 2, 3, 3, 2, 1]
    assert pixel_use_2d(6, 3)[2] == [3, 6, 9, 9, 6, 3]


def test_without_settings_the_window_moves_by_one_and_nothing_is_padded():
    plain = {"padding": 0, "stride": 1, "dilation": 1}
    for n, k in [(6, 3), (7, 2)]:
        assert unused(n, k) == unused(n, k, **plain) == 0
        assert pixel_use(n, k) == pixel_use(n, k, **plain)
    assert unused(8, 3, stride=3, dilation=2) == 0
    assert unused(8, 3, stride=3) == 2
    assert unused(8, 3, padding=(0, 1), dilation=2) == 0


# Counting and torch as oracles, over a whole grid


def torch_size(n, k, sides, stride, dilation):
    """Let torch's convolution say how many windows fit; 0 where it refuses."""
    padded = n + sum(sides)
    X = torch.empty(1, 1, padded, device="meta")
    K = torch.empty(1, 1, k, device="meta")
    try:
        return F.conv1d(X, K, stride=stride, dilation=dilation).shape[-1]
    except RuntimeError:  # "Kernel size can't be greater than actual input size"
        return 0


def windows(n, k, sides, stride, dilation):
    """List the pixels of every window by trying every start, the slow sure way."""
    padded = range(-sides[0], n + sides[1])
    found = []
    for start in padded[::stride]:
        taps = [start + tap * dilation for tap in range(k)]
        if all(tap in padded for tap in taps):
            found.append(taps)
    return found


@checked
def test_sizes_uses_and_leftovers_agree_with_counting_over_a_grid():
    fitting = 0
    for n, k, sides, stride, dilation in GRID:
        setting = {"padding": sides, "stride": stride, "dilation": dilation}
        found = windows(n, k, sides, stride, dilation)
        if not found:
            with pytest.raises(ValueError, match=r"^no window fits"):
                output_size(n, k, **setting)
            continue
        fitting += 1
        assert output_size(n, k, **setting) == len(found)
        assert unused(n, k, **setting) == n + sides[1] - 1 - found[-1][-1]
        uses = [sum(pixel in taps for taps in found) for pixel in range(n)]
        assert pixel_use(n, k, **setting) == uses
    assert 0 < fitting < len(GRID)


@checked
def test_output_size_agrees_with_torchs_convolution_over_a_grid():
    for n, k, sides, stride, dilation in GRID:
        expected = torch_size(n, k, sides, stride, dilation)
        if expected:
            setting = {"padding": sides, "stride": stride, "dilation": dilation}
            assert output_size(n, k, **setting) == expected
        else:
            assert not windows(n, k, sides, stride, dilation)
        if sides[0] == sides[1]:  # torch's own padding, once more
            setting = {"padding": sides[0], "stride": stride, "dilation": dilation}
            layer = nn.Conv1d(1, 1, k, device="meta", **setting)
            if expected:
                X = torch.empty(1, 1, n, device="meta")
                assert layer(X).shape[-1] == expected == output_size(n, k, **setting)


def test_output_shape_agrees_with_torchs_conv2d_on_uneven_settings():
    settings = product(
        [(5, 8), (9, 4)], [(3, 2), 3], [(0, 1), 2], [(1, 3), 2], [(2, 1)]
    )
    for size, kernel_size, padding, stride, dilation in settings:
        setting = {"padding": padding, "stride": stride, "dilation": dilation}
        layer = nn.Conv2d(1, 1, kernel_size, device="meta", **setting)
        expected = layer(torch.empty(1, 1, *size, device="meta")).shape[-2:]
        assert output_shape(size, kernel_size, **setting) == tuple(expected)


@checked
def test_ceil_mode_agrees_with_torchs_pooling_over_a_grid():
    rounded_up = 0
    for n, k, p, stride, dilation in product(
        range(1, 12), range(1, 6), range(3), range(1, 5), range(1, 4)
    ):
        if p > k // 2:
            continue  # torch's pooling takes no more padding than that
        for ceil_mode in (False, True):
            setting = {"padding": p, "stride": stride, "dilation": dilation}
            setting["ceil_mode"] = ceil_mode
            layer = nn.MaxPool1d(k, **setting)
            try:
                expected = layer(torch.zeros(1, 1, n)).shape[-1]
            except RuntimeError:  # "Output size is too small"
                with pytest.raises(ValueError, match=r"^no window fits"):
                    output_size(n, k, **setting)
            else:
                assert output_size(n, k, **setting) == expected
                if ceil_mode:
                    rounded_up += (
                        expected > (n + 2 * p - span(k, dilation)) // stride + 1
                    )
    assert rounded_up > 100


def test_in_ceil_mode_the_last_window_must_start_before_the_padding_behind():
    # 3 pixels, padding 1: positions -1 to 3; a third window would start at 3
    assert output_size(3, 2, padding=1, stride=2, ceil_mode=True) == 2
    assert output_size(4, 2, padding=1, stride=2, ceil_mode=True) == 3
    assert (
        output_size(2, 3, stride=2, ceil_mode=True) == 1
    )  # it sticks out, torch's way


def test_pixel_use_2d_counts_what_torch_would_touch():
    size, kernel_size = (6, 7), (3, 2)
    setting = {"padding": (1, 2), "stride": (2, 1), "dilation": (1, 3)}
    X = torch.zeros(1, 1, *size, requires_grad=True)
    F.conv2d(X, torch.ones(1, 1, *kernel_size), **setting).sum().backward()
    assert pixel_use_2d(size, kernel_size, **setting) == X.grad[0, 0].int().tolist()
    sides = ((2, 0), (0, 1))
    X.grad = None
    padded = F.pad(X, (*sides[1], *sides[0]))
    F.conv2d(padded, torch.ones(1, 1, *kernel_size), stride=2).sum().backward()
    uses = pixel_use_2d(size, kernel_size, padding=sides, stride=2)
    assert uses == X.grad[0, 0].int().tolist()


def test_pixels_are_used_equally_often_only_with_full_padding():
    for k, dilation in product(range(1, 5), range(1, 3)):
        full = span(k, dilation) - 1
        for p in range(full + 1):
            uses = set(pixel_use(6 + full, k, padding=p, dilation=dilation))
            assert (uses == {k}) == (p == full)


# Receptive fields

LENET = [Window(5, padding=2), Window(2, stride=2), Window(5), Window(2, stride=2)]


def seen(layers, channels, n, unit):
    """Find by gradient which input positions one unit depends on."""
    X = torch.zeros(1, channels, n, n, requires_grad=True)
    Y = layers(X)
    Y[0, 0, unit, unit].backward()
    used = X.grad[0].abs().sum((0, 1)).nonzero().flatten()
    return used[0].item(), used[-1].item()


@pytest.mark.parametrize(
    ("depth", "size", "stride", "start"),
    [(0, 1, 1, 0), (1, 5, 1, -2), (2, 6, 2, -2), (3, 14, 2, -2), (4, 16, 4, -2)],
)
def test_the_receptive_fields_of_lenet_are_5_6_14_and_16(depth, size, stride, start):
    field = receptive_field(LENET[:depth])
    assert field == ReceptiveField(size, stride, start)


def test_a_dense_layer_of_lenet_sees_all_28_pixels():
    field = receptive_field([*LENET, Window(5)])
    first, last = field.interval(0)
    assert (first, last) == (-2, 29)  # two padded pixels on each side
    assert (max(first, 0), min(last, 27)) == (0, 27)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_receptive_fields_agree_with_gradients_through_lenet(depth):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.AvgPool2d(2, 2),
        nn.Conv2d(6, 16, 5),
        nn.AvgPool2d(2, 2),
    )[:depth]
    field = receptive_field(LENET[:depth])
    for unit in range(net(torch.zeros(1, 1, 28, 28)).shape[-1]):
        first, last = field.interval(unit)
        assert seen(net, 1, 28, unit) == (max(first, 0), min(last, 27))


def test_receptive_fields_agree_with_gradients_through_uneven_stacks():
    torch.manual_seed(0)
    stacks = product([(3, 2, 1, 2), (2, 1, 0, 3)], [(4, 3, 2, 1), (1, 2, 0, 1)])
    for stack in stacks:
        layers = nn.Sequential(
            *(
                nn.Conv2d(1, 1, k, stride=s, padding=p, dilation=d)
                for k, s, p, d in stack
            )
        )
        field = receptive_field([Window(*layer) for layer in stack])
        inside = 0
        for unit in range(layers(torch.zeros(1, 1, 24, 24)).shape[-1]):
            first, last = field.interval(unit)
            if first >= 0 and last < 24:  # at the border the holes of dilation show
                assert seen(layers, 1, 24, unit) == (first, last)
                inside += 1
        assert inside


def test_a_padding_pair_counts_only_before():
    assert receptive_field([Window(2, 2, (1, 0)), Window(3, 1, (2, 5))]).start == -5


def test_windows_are_values():
    assert Window(5, padding=2) == Window(5, 1, 2, 1)
    with pytest.raises(AttributeError):
        Window(5).stride = 2


# Refusals

# A call, the error, the whole message
REFUSED = [
    (lambda: output_size(0, 1), ValueError, "n must be at least 1; got 0"),
    (lambda: output_size(3, 0), ValueError, "k must be at least 1; got 0"),
    (
        lambda: output_size(3, 1, stride=0),
        ValueError,
        "stride must be at least 1; got 0",
    ),
    (
        lambda: output_size(3, 1, dilation=0),
        ValueError,
        "dilation must be at least 1; got 0",
    ),
    (
        lambda: output_size(3, 1, padding=-1),
        ValueError,
        "padding must be at least 0; got -1",
    ),
    (
        lambda: output_size(3, 1, padding=(0, -2)),
        ValueError,
        "padding must be at least 0; got -2",
    ),
    (
        lambda: output_size(3, 1, padding=(1, 2, 3)),
        ValueError,
        "padding must be one number per side or a pair (before, after); got (1, 2, 3)",
    ),
    (
        lambda: output_size(3.0, 1),
        TypeError,
        "n must be a whole number; got 3.0 (float)",
    ),
    (
        lambda: output_size(3, "1"),
        TypeError,
        "k must be a whole number; got '1' (str)",
    ),
    (
        lambda: output_size(3, 1, stride=True),
        TypeError,
        "stride must be a whole number; got True (bool)",
    ),
    (
        lambda: output_size(3, 1, dilation=None),
        TypeError,
        "dilation must be a whole number; got None (NoneType)",
    ),
    (
        lambda: output_size(3, 1, padding=(1.5, 1)),
        TypeError,
        "padding must be a whole number; got 1.5 (float)",
    ),
    (
        lambda: output_size(3, 1, padding="same"),
        TypeError,
        "padding must be a whole number; got 'same' (str)",
    ),
    (
        lambda: output_size(3, 4),
        ValueError,
        "no window fits: a kernel of 4 spans 4 positions, but the padded input has 3 "
        "(0 + 3 + 0); add 1 more padding in total or use a kernel that spans at most 3",
    ),
    (
        lambda: output_size(3, 3, padding=(0, 1), dilation=3, stride=2),
        ValueError,
        "no window fits: a kernel of 3 with dilation 3 spans 7 positions, but the "
        "padded input has 4 (0 + 3 + 1); add 3 more padding in total or use a kernel "
        "that spans at most 4",
    ),
    (
        lambda: output_size(1, 4, stride=3, ceil_mode=True),
        ValueError,
        "no window fits: a kernel of 4 spans 4 positions, but the padded input has 1 "
        "(0 + 1 + 0); add 3 more padding in total or use a kernel that spans at most 1",
    ),
    (
        lambda: output_size(2, 2, dilation=2),
        ValueError,
        "no window fits: a kernel of 2 with dilation 2 spans 3 positions, but the "
        "padded input has 2 (0 + 2 + 0); add 1 more padding in total or use a kernel "
        "that spans at most 2",
    ),
    (lambda: unused(3, 0), ValueError, "k must be at least 1; got 0"),
    (lambda: pixel_use(0, 3), ValueError, "n must be at least 1; got 0"),
    (
        lambda: output_shape((3, 2), 3),
        ValueError,
        "width: no window fits: a kernel of 3 spans 3 positions, but the padded input "
        "has 2 (0 + 2 + 0); add 1 more padding in total or use a kernel that spans at "
        "most 2",
    ),
    (
        lambda: pixel_use_2d((0, 3), 3),
        ValueError,
        "height: n must be at least 1; got 0",
    ),
    (
        lambda: output_shape((5, 5), (3, 2.5)),
        TypeError,
        "width: k must be a whole number; got 2.5 (float)",
    ),
    *(
        (
            lambda name=name: output_shape(
                **{"size": 5, "kernel_size": 3, name: (1, 2, 3)}
            ),
            ValueError,
            f"{name} must be one number or a pair (height, width); got (1, 2, 3)",
        )
        for name in ("size", "kernel_size", "padding", "stride", "dilation")
    ),
    (lambda: span(0), ValueError, "k must be at least 1; got 0"),
    (lambda: span(2, 0), ValueError, "dilation must be at least 1; got 0"),
    (lambda: same_padding(0), ValueError, "k must be at least 1; got 0"),
    (lambda: split_total(-1), ValueError, "total must be at least 0; got -1"),
    (
        lambda: split_total(2.0),
        TypeError,
        "total must be a whole number; got 2.0 (float)",
    ),
    (lambda: Window(0), ValueError, "kernel_size must be at least 1; got 0"),
    (lambda: Window(1, stride=0), ValueError, "stride must be at least 1; got 0"),
    (lambda: Window(1, padding=-1), ValueError, "padding must be at least 0; got -1"),
    (lambda: Window(1, dilation=0), ValueError, "dilation must be at least 1; got 0"),
    (
        lambda: receptive_field([Window(3), (3, 1)]),
        TypeError,
        "stack[1] is (3, 1); each layer must be a Window, for example "
        "Window(kernel_size=3)",
    ),
    (
        lambda: ReceptiveField(5, 1, 0).interval(-1),
        ValueError,
        "i must be at least 0; got -1",
    ),
    (
        lambda: ReceptiveField(5, 1, 0).interval(0.5),
        TypeError,
        "i must be a whole number; got 0.5 (float)",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
@checked
def test_what_cannot_be_is_named(call, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()


@checked
def test_numbers_that_count_like_integers_are_integers():
    n, k = torch.tensor([8, 3])
    assert output_size(n, k, stride=k) == 2
    assert type(output_size(n, k)) is int
