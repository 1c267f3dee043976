"""Layers done a CPU's quick way: torch's numbers, and only where they gain."""

import pytest
import torch
from torch import nn

from course_lib import _quick_layers
from course_lib._quick_layers import convolve, corners, dense, quick_chain
from course_lib.lenet import LeNet

SIGMOID, HALVING = nn.Sigmoid(), nn.AvgPool2d(2)


def compare(ours, theirs, X, parameters):
    """Compare two functions of X: the values and the gradients of all that learns."""
    results = []
    for f in (ours, theirs):
        Y = f(X)
        weight = torch.linspace(-1, 1, Y.numel(), dtype=Y.dtype).reshape(Y.shape)
        results.append([Y, *torch.autograd.grad((Y * weight).sum(), parameters)])
    for mine, its in zip(*results, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)
        assert mine.is_contiguous() == its.is_contiguous()


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


@pytest.mark.parametrize("channels", [(1, 6), (3, 2)])
@pytest.mark.parametrize(
    ("options", "size"), CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys()
)
@pytest.mark.parametrize("pointwise", [nn.Sigmoid(), nn.ReLU(), nn.GELU()], ids=str)
def test_four_corners_at_once_are_three_layers(channels, options, size, pointwise):
    torch.manual_seed(0)
    layer = nn.Conv2d(*channels, **options)
    layers = nn.Sequential(layer, pointwise, HALVING)
    X = torch.randn(3, channels[0], *size, requires_grad=True)
    compare(
        lambda X: corners(layer, pointwise, HALVING, X),
        layers,
        X,
        [X, *layer.parameters()],
    )


@pytest.mark.parametrize(("size", "calls"), [((8, 8), 0), ((9, 8), 1), ((8, 9), 1)])
def test_only_maps_that_pooling_uses_whole_go_by_corners(monkeypatch, size, calls):
    layer, called = nn.Conv2d(1, 2, 3), []
    forward = layer.forward
    monkeypatch.setattr(layer, "forward", lambda X: (called.append(X), forward(X))[1])
    corners(layer, SIGMOID, HALVING, torch.rand(2, 1, *size))
    assert len(called) == calls


def test_one_image_without_a_batch_goes_by_the_layers():
    layer, X = nn.Conv2d(1, 2, 3), torch.rand(1, 8, 8)
    expected = HALVING(SIGMOID(layer(X)))
    torch.testing.assert_close(corners(layer, SIGMOID, HALVING, X), expected)


# -- convolve --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"padding": 2}, {"stride": 2}, {"bias": False}], ids=str
)
def test_convolution_with_the_weights_gradient_channels_last(options):
    torch.manual_seed(0)
    layer = nn.Conv2d(6, 16, 5, **options)
    X = torch.randn(4, 6, 14, 14, requires_grad=True)
    compare(lambda X: convolve(layer, X), layer, X, [X, *layer.parameters()])


def test_what_needs_no_gradient_gets_none():
    layer = nn.Conv2d(6, 16, 5)
    layer.weight.requires_grad_(False)
    convolve(layer, torch.rand(2, 6, 14, 14)).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias.grad is not None


def test_gradients_agree_with_differences():
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, 2, padding=1, dtype=torch.float64)
    X = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda X, *_: convolve(layer, X), (X, *layer.parameters())
    )
    assert torch.autograd.gradcheck(
        lambda X, *_: corners(layer, SIGMOID, HALVING, X[:, :, :3, :3]),
        (X, *layer.parameters()),
    )


# -- dense -----------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(128, 400), (3, 400), (2, 3, 400)], ids=str)
def test_a_dense_layer_is_torchs(shape, bias):
    torch.manual_seed(0)
    layer = nn.Linear(400, 120, bias=bias)
    X = torch.randn(shape, requires_grad=True)
    compare(lambda X: dense(layer, X), layer, X, [X, *layer.parameters()])


def test_a_dense_layers_frozen_weight_gets_no_gradient():
    layer = nn.Linear(4, 3)
    layer.weight.requires_grad_(False)
    dense(layer, torch.rand(2, 4)).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias.grad.tolist() == [2, 2, 2]


# -- which layers ----------------------------------------------------------------------


def ways(net):
    """Name the functions that a chain is made of, in their order."""
    return [getattr(step, "func", step) for step in _quick_layers._steps(net)]


@pytest.fixture
def _wide(monkeypatch):
    monkeypatch.setattr(_quick_layers, "_LANES", 16)


@pytest.mark.usefixtures("_wide")
def test_lenet_is_quick_where_it_gains():
    net = LeNet()
    got = ways(net)
    assert got[:2] == [corners, convolve]
    assert got[5] is dense
    assert got[2:5] + got[6:] == [*net[4:7], *net[8:]]


def test_processors_with_fewer_lanes_keep_the_layers(monkeypatch):
    monkeypatch.setattr(_quick_layers, "_LANES", 8)
    net = LeNet()
    assert ways(net) == [*net[:3], convolve, *net[4:7], dense, *net[8:]]


def first(*, pointwise=None, pool=None, **options):
    options = {"in_channels": 1, "out_channels": 6, "kernel_size": 5, **options}
    return nn.Sequential(nn.Conv2d(**options), pointwise or SIGMOID, pool or HALVING)


FIRST = {
    "plain": (first(), True),
    "eight channels": (first(out_channels=8), True),
    "nine channels": (first(out_channels=9), False),
    "colours": (first(in_channels=3), True),
    "four channels in": (first(in_channels=4), False),
    "stride": (first(stride=2), False),
    "dilation": (first(dilation=2), False),
    "groups": (first(in_channels=2, groups=2), False),
    "reflection": (first(padding=2, padding_mode="reflect"), False),
    "padding in words": (first(padding="same"), False),
    "normalised": (first(pointwise=nn.BatchNorm2d(6)), False),
    "maximum": (first(pool=nn.MaxPool2d(2)), False),
    "nested": (nn.Sequential(first(), nn.Flatten()), True),
    "two layers": (first()[:2], False),
}


@pytest.mark.usefixtures("_wide")
@pytest.mark.parametrize(("net", "expected"), FIRST.values(), ids=FIRST.keys())
def test_a_chain_that_begins_with_few_channels_and_halving_goes_by_corners(
    net, expected
):
    assert (ways(net)[0] is corners) is expected


@pytest.mark.usefixtures("_wide")
def test_corners_are_for_the_first_layer_only():
    assert corners not in ways(nn.Sequential(nn.Identity(), first()))


SINGLE = {
    "few to many": (nn.Conv2d(6, 16, 5), convolve),
    "colours": (nn.Conv2d(3, 16, 5), None),
    "to few": (nn.Conv2d(6, 15, 5), None),
    "from many": (nn.Conv2d(16, 16, 5), None),
    "dilated": (nn.Conv2d(6, 16, 5, dilation=2), None),
    "much to much": (nn.Linear(256, 128), dense),
    "little": (nn.Linear(255, 128), None),
}


@pytest.mark.usefixtures("_wide")
@pytest.mark.parametrize(("layer", "expected"), SINGLE.values(), ids=SINGLE.keys())
def test_a_layer_is_done_otherwise_only_where_it_gains(layer, expected):
    assert ways(layer) == [expected or layer]


class OwnConvolution(nn.Conv2d):
    """A subclass may do anything."""


@pytest.mark.usefixtures("_wide")
def test_subclasses_are_called_as_they_are():
    layer = OwnConvolution(6, 16, 5)
    assert ways(nn.Sequential(layer)) == [layer]
    layers = [OwnConvolution(1, 6, 5), SIGMOID, HALVING]
    assert ways(nn.Sequential(*layers)) == layers


@pytest.mark.usefixtures("_wide")
def test_the_chain_gives_lenets_scores_and_gradients():
    torch.manual_seed(0)
    net = LeNet()
    compare(quick_chain(net), net, torch.rand(64, 1, 28, 28), [*net.parameters()])
