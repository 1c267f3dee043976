"""Layers done a CPU's quick way: torch's numbers, forth and back."""

from functools import partial

import pytest
import torch
from torch import nn

from course_lib import _quick_layers
from course_lib._quick_layers import (
    TOLD_BY_OUTPUT,
    as_they_are,
    at_corners,
    convolve,
    dense,
    flatten,
    halve_maps,
    in_place,
    in_two_columns,
    mean_of_corners,
    plain,
)

SIGMOID, HALVING = nn.Sigmoid(), nn.AvgPool2d(2)
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def weights(Y):
    return torch.linspace(-1, 2, Y.numel(), dtype=Y.dtype).reshape(Y.shape)


def through(links, X, for_X=True):
    """Go forth through links and back; give what comes out and all gradients."""
    backs, pairs = [], []
    with torch.no_grad():
        for link in links:
            X, back = link(X)
            backs.append(back)
        Y, G = X.clone(), weights(X)
        for place in range(len(links) - 1, -1, -1):
            G, found = backs[place](G, place > 0 or for_X)
            pairs.extend(found)
    return Y, G, dict(pairs)


def compare(links, layers, X):
    """Compare links with torch: the values and the gradients of all that learns."""
    Y, dX, found = through(links, X.clone())
    X = X.clone().requires_grad_()
    expected = layers(X * 1)  # torch lets nobody overwrite X itself
    torch.testing.assert_close(Y, expected.detach(), rtol=1e-4, atol=1e-5)
    learns = [p for p in layers.parameters() if p.requires_grad]
    theirs = torch.autograd.grad(expected, [X, *learns], weights(expected))
    assert set(found) == set(learns)
    near = {"rtol": 1e-4, "atol": 1e-4} if X.dtype == torch.float32 else {}
    for mine, its in zip([dX, *(found[p] for p in learns)], theirs, strict=True):
        torch.testing.assert_close(mine, its, **near)
    _, _, without = through(links, X.detach().clone(), for_X=False)
    for p in learns:
        torch.testing.assert_close(without[p], found[p])


@pytest.fixture
def _wide(monkeypatch):
    monkeypatch.setattr(_quick_layers, "LANES", 16)


# -- corners ---------------------------------------------------------------------------

CONVOLUTIONS = {
    "LeNet's": ({"kernel_size": 5, "padding": 2}, (28, 28)),
    "no padding": ({"kernel_size": 5}, (28, 28)),
    "no bias": ({"kernel_size": 3, "padding": 1, "bias": False}, (8, 10)),
    "wide": ({"kernel_size": (1, 4), "padding": (0, 1)}, (6, 9)),
    "tall": ({"kernel_size": (4, 1)}, (5, 4)),
    "odd height": ({"kernel_size": 3}, (9, 8)),
    "odd width": ({"kernel_size": 3}, (8, 9)),
}


@DTYPES
@pytest.mark.parametrize("channels", [(1, 6), (3, 2)])
@pytest.mark.parametrize(
    ("options", "size"), CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys()
)
@pytest.mark.parametrize("pointwise", [nn.Sigmoid(), nn.ReLU(), nn.GELU()], ids=str)
def test_four_corners_at_once_are_three_layers(
    channels, options, size, pointwise, dtype
):
    torch.manual_seed(0)
    layer = nn.Conv2d(*channels, **options, dtype=dtype)
    if type(pointwise) in TOLD_BY_OUTPUT:
        middle = partial(in_place, pointwise)
    else:
        middle = partial(as_they_are, [pointwise])
    compare(
        [partial(at_corners, layer), middle, partial(mean_of_corners, HALVING)],
        nn.Sequential(layer, pointwise, HALVING),
        torch.randn(3, channels[0], *size, dtype=dtype),
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [((8, 8), (4, 2, 3, 3)), ((9, 8), (2, 7, 6)), ((8, 9), (2, 6, 7))],
)
def test_only_maps_that_pooling_uses_whole_go_by_corners(size, expected):
    layer = nn.Conv2d(1, 2, 3)
    assert at_corners(layer, torch.rand(5, 1, *size))[0].shape == (5, *expected)


@pytest.mark.parametrize("frozen", ["weight", "bias"])
@pytest.mark.parametrize("link", [at_corners, convolve])
def test_what_needs_no_gradient_gets_none(link, frozen):
    layer = nn.Conv2d(6, 16, 5)
    getattr(layer, frozen).requires_grad_(False)
    _, dX, found = through([partial(link, layer)], torch.rand(2, 6, 14, 14), False)
    assert dX is None
    assert [*found] == [p for p in layer.parameters() if p.requires_grad]


def test_a_frozen_layer_passes_the_gradient_on_all_the_same():
    layer = nn.Conv2d(6, 16, 5).requires_grad_(False)
    compare([partial(convolve, layer)], layer, torch.rand(2, 6, 14, 14))
    corners = [partial(at_corners, layer), partial(mean_of_corners, HALVING)]
    compare(corners, nn.Sequential(layer, HALVING), torch.rand(2, 6, 14, 14))


# -- convolve --------------------------------------------------------------------------

STEPS = {
    "LeNet's": {},
    "padding": {"padding": 2},
    "most padding": {"padding": 4},
    "too much padding": {"padding": 5},
    "too much padding above": {"padding": (5, 0)},
    "too much padding beside": {"padding": (0, 5)},
    "stride": {"stride": 2},
    "no bias": {"bias": False},
    "high": {"kernel_size": (5, 1)},
    "wide": {"kernel_size": (1, 2)},
    "even": {"kernel_size": (2, 4), "padding": (1, 2)},
}


@DTYPES
@pytest.mark.usefixtures("_wide")
@pytest.mark.parametrize("channels", [(6, 16), (9, 17)], ids=str)
@pytest.mark.parametrize("size", [(14, 14), (9, 10), (10, 9)], ids=str)
@pytest.mark.parametrize("options", STEPS.values(), ids=STEPS.keys())
def test_convolutions_of_every_shape(channels, size, options, dtype):
    torch.manual_seed(0)
    layer = nn.Conv2d(*channels, **{"kernel_size": 5, **options}, dtype=dtype)
    X = torch.randn(4, channels[0], *size, dtype=dtype)
    compare([partial(convolve, layer)], layer, X)


TWICE = {
    "LeNet's": (nn.Conv2d(6, 16, 5), 14, True),
    "as many lanes": (nn.Conv2d(8, 16, 5), 14, True),
    "too many channels": (nn.Conv2d(9, 16, 5), 14, False),
    "to few channels": (nn.Conv2d(6, 15, 5), 14, False),
    "from very few": (nn.Conv2d(3, 16, 5), 14, False),
    "odd width": (nn.Conv2d(6, 16, 5), 13, False),
    "stride": (nn.Conv2d(6, 16, 5, stride=2), 14, False),
    "one wide": (nn.Conv2d(6, 16, (5, 1)), 14, False),
    "padding": (nn.Conv2d(6, 16, 5, padding=4), 14, True),
    "too much padding": (nn.Conv2d(6, 16, 5, padding=5), 14, False),
}


@pytest.mark.usefixtures("_wide")
@pytest.mark.parametrize(
    ("layer", "side", "expected"), TWICE.values(), ids=TWICE.keys()
)
def test_two_columns_at_a_time_where_that_fills_the_lanes(
    monkeypatch, layer, side, expected
):
    asked = []
    monkeypatch.setattr(
        _quick_layers,
        "in_two_columns",
        lambda *given: (asked.append(given), in_two_columns(*given))[1],
    )
    X = torch.rand(2, layer.in_channels, side, side)
    for for_X in (False, True):
        assert not asked
        through([partial(convolve, layer)], X, for_X)
    assert bool(asked) is expected


def test_memory_in_any_order_is_right():
    torch.manual_seed(0)
    layer = nn.Conv2d(6, 16, 5).to(memory_format=torch.channels_last)
    X = torch.rand(4, 6, 14, 14).to(memory_format=torch.channels_last)
    compare([partial(convolve, layer)], layer, X)


PLAIN = {
    "plain": (nn.Conv2d(4, 6, 5, stride=2, padding=1), True),
    "dilation": (nn.Conv2d(4, 6, 5, dilation=2), False),
    "groups": (nn.Conv2d(4, 6, 5, groups=2), False),
    "reflection": (nn.Conv2d(4, 6, 5, padding=2, padding_mode="reflect"), False),
    "padding in words": (nn.Conv2d(4, 6, 5, padding="same"), False),
    "one axis": (nn.Conv1d(4, 6, 5), False),
    "turned round": (nn.ConvTranspose2d(4, 6, 5), False),
}


@pytest.mark.parametrize(("layer", "expected"), PLAIN.values(), ids=PLAIN.keys())
def test_plain_convolutions(layer, expected):
    assert plain(layer) is expected


# -- the other layers ------------------------------------------------------------------


@DTYPES
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(128, 400), (3, 400), (2, 3, 400)], ids=str)
def test_a_dense_layer_is_torchs(shape, bias, dtype):
    torch.manual_seed(0)
    layer = nn.Linear(400, 120, bias=bias, dtype=dtype)
    compare([partial(dense, layer)], layer, torch.randn(shape, dtype=dtype))


@pytest.mark.parametrize("frozen", ["weight", "bias"])
def test_a_dense_layers_frozen_parameter_gets_no_gradient(frozen):
    layer = nn.Linear(4, 3)
    getattr(layer, frozen).requires_grad_(False)
    _, dX, found = through([partial(dense, layer)], torch.rand(2, 4), False)
    assert dX is None
    assert [*found] == [p for p in layer.parameters() if p.requires_grad]


@DTYPES
@pytest.mark.parametrize("size", [(4, 6), (5, 4), (4, 7)], ids=str)
def test_halving_maps(size, dtype):
    torch.manual_seed(0)
    X = torch.randn(2, 3, *size, dtype=dtype)
    compare([partial(halve_maps, HALVING)], HALVING, X)
    compare([partial(mean_of_corners, HALVING)], HALVING, X)


@pytest.mark.parametrize("layer", [nn.Flatten(), nn.Flatten(2), nn.Flatten(0, 1)])
def test_flattening(layer):
    compare([partial(flatten, layer)], layer, torch.randn(2, 3, 4, 5))


@DTYPES
@pytest.mark.parametrize("kind", TOLD_BY_OUTPUT, ids=lambda kind: kind.__name__)
def test_functions_of_single_numbers_in_their_place(kind, dtype):
    torch.manual_seed(0)
    X = torch.randn(3, 4, dtype=dtype) * 3
    X[0, 0], X[0, 1] = 0, torch.inf
    compare([partial(in_place, kind())], kind(), X)
    expected, at = kind()(X), X.data_ptr()
    Y, back = in_place(kind(), X)
    assert Y.data_ptr() == at
    torch.testing.assert_close(Y, expected)
    G, _ = back(torch.ones(3, 1, dtype=dtype).expand(3, 4), True)
    assert G.data_ptr() == at


@pytest.mark.parametrize(
    "first", [nn.ReLU(inplace=True), nn.Softmax(1), nn.Conv2d(3, 2, 1)]
)
def test_layers_as_they_are(first):
    torch.manual_seed(0)
    layers = [first, nn.MaxPool2d(2), nn.LeakyReLU(inplace=True)]
    X = torch.randn(2, 3, 4, 4)
    given = X.clone()
    as_they_are(layers, X)
    assert torch.equal(X, given)
    compare([partial(as_they_are, layers)], nn.Sequential(*layers), X)


def test_what_a_layer_does_not_use_gets_no_gradient():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, X):
            return self.used(X)

    net = Two()
    _, _, found = through([partial(as_they_are, [net])], torch.rand(4, 3))
    assert set(found) == set(net.used.parameters())


def test_whole_numbers_may_come_in():
    table = nn.Embedding(5, 2)
    _, dX, found = through(
        [partial(as_they_are, [table])], torch.tensor([1, 1, 4]), for_X=False
    )
    assert dX is None
    assert found[table.weight].shape == (5, 2)
