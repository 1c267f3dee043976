"""A chain's gradient without a graph: torch's, whatever the chain is made of."""

import pytest
import torch
from torch import nn

from course_lib import _by_hand, _quick_layers
from course_lib._by_hand import gradient_by_hand
from course_lib._quick_layers import (
    as_they_are,
    at_corners,
    convolve,
    dense,
    flatten,
    halve_maps,
    in_place,
    mean_of_corners,
)
from course_lib.lenet import LeNet

SIGMOID, HALVING = nn.Sigmoid(), nn.AvgPool2d(2)


@pytest.fixture(params=[8, 16], ids=["8 lanes", "16 lanes"])
def _lanes(request, monkeypatch):
    monkeypatch.setattr(_quick_layers, "LANES", request.param)


@pytest.fixture
def _wide(monkeypatch):
    monkeypatch.setattr(_quick_layers, "LANES", 16)


# -- the numbers -----------------------------------------------------------------------


class Scaled(nn.Module):
    """A module of somebody's own, with a parameter that it does not use."""

    def __init__(self):
        super().__init__()
        self.by = nn.Parameter(torch.tensor([2.0]))
        self.unused = nn.Parameter(torch.ones(3))

    def forward(self, X):
        return X * self.by


def shared():
    layer = nn.Linear(20, 20)
    return nn.Sequential(nn.Linear(64, 20), layer, nn.Tanh(), layer, nn.Linear(20, 4))


def frozen(net, *places):
    for place in places:
        net[place].requires_grad_(False)
    return net


def small(*last):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), SIGMOID, HALVING,
        nn.Conv2d(4, 16, 3, padding=1), nn.ReLU(), HALVING,
        nn.Flatten(), nn.Linear(64, 4), *last,
    )  # fmt: skip


def other():
    """Nothing of it is quick but the first and the last layer."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.GELU(), nn.MaxPool2d(2),
        nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.ReLU(inplace=True)),
        nn.Flatten(), nn.SiLU(), nn.Linear(6, 4),
    )  # fmt: skip


NETS = {
    "small": small,
    "ends with a function": lambda: small(nn.Sigmoid()),
    "two functions in a row": lambda: small(nn.Sigmoid(), nn.Tanh(), nn.ReLU()),
    "in place by torch": lambda: small(nn.ReLU(inplace=True)),
    "own": lambda: small(Scaled()),
    "own first": lambda: nn.Sequential(Scaled(), *small()),
    "own alone": lambda: nn.Sequential(nn.Flatten(), Scaled(), nn.Linear(64, 4)),
    "other": other,
    "begins with a function": lambda: nn.Sequential(nn.ReLU(inplace=True), *small()),
    "begins with flattening": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 4)),
    "rows of images": lambda: nn.Sequential(
        nn.Linear(8, 4),
        nn.Tanh(),
        nn.Linear(4, 2, bias=False),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16, 4),
    ),
    "one layer used twice": lambda: nn.Sequential(nn.Flatten(), shared()),
    "first frozen": lambda: frozen(small(), 0),
    "all but the last frozen": lambda: frozen(small(), 0, 3),
    "last frozen": lambda: frozen(small(), 7),
    "middle frozen": lambda: frozen(small(), 3),
}


@pytest.mark.usefixtures("_lanes")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("build", NETS.values(), ids=NETS.keys())
def test_loss_predictions_and_gradients_are_torchs(build, dtype):
    torch.manual_seed(0)
    net, loss = build().to(dtype), nn.CrossEntropyLoss()
    X, y = torch.randn(6, 1, 8, 8, dtype=dtype), torch.randint(0, 4, (6,))
    given = X.clone()
    l, y_hat, gradients = gradient_by_hand(net, loss)(X, y, 0.5)  # noqa: E741
    assert torch.equal(X, given), "the batch is the reader's"
    learns = [p for p in net.parameters() if p.requires_grad]
    scores = net(X.clone())
    expected = loss(scores, y) * 0.5
    theirs = torch.autograd.grad(expected, learns, allow_unused=True)
    assert not l.requires_grad
    assert not y_hat.requires_grad
    torch.testing.assert_close([l, y_hat], [expected.detach(), scores.detach()])
    for mine, its in zip(gradients, theirs, strict=True):
        assert (mine is None) == (its is None)
        if mine is not None:
            assert mine.dtype == dtype
            torch.testing.assert_close(mine, its)


@pytest.mark.usefixtures("_lanes")
@pytest.mark.parametrize(
    ("dtype", "apart"), [(torch.float32, 1e-6), (torch.float64, 1e-14)], ids=str
)
def test_lenets_gradient(dtype, apart):
    torch.manual_seed(0)
    net, loss = LeNet().to(dtype), nn.CrossEntropyLoss()
    X, y = torch.rand(64, 1, 28, 28, dtype=dtype), torch.randint(0, 10, (64,))
    _, _, gradients = gradient_by_hand(net, loss)(X, y, 1.0)
    theirs = torch.autograd.grad(loss(net(X), y), [*net.parameters()])
    for mine, its in zip(gradients, theirs, strict=True):
        assert (mine - its).abs().max() <= apart * max(1, its.abs().max())


def test_a_loss_of_ones_own():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    X, y = torch.randn(5, 3), torch.randn(5, 2)

    def loss(y_hat, y):
        return (y_hat - y).abs().sum() / len(y)

    l, _, gradients = gradient_by_hand(net, loss)(X, y, 2.0)  # noqa: E741
    expected = 2 * loss(net(X), y)
    torch.testing.assert_close(l, expected.detach())
    theirs = torch.autograd.grad(expected, [*net.parameters()])
    torch.testing.assert_close(gradients, [*theirs])


LOSSES = {
    "usual": (nn.CrossEntropyLoss(), False),
    "weighted": (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 3.0])), False),
    "ignoring": (nn.CrossEntropyLoss(ignore_index=2), False),
    "summed": (nn.CrossEntropyLoss(reduction="sum"), True),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), True),
    "of another kind": (nn.MultiMarginLoss(), True),
}


SHAPES = {"classes": (5,), "many at a time": (5, 3)}
SLOPES = {
    f"{name}, {labels}": (*LOSSES[name], shape)
    for name in LOSSES
    for labels, shape in SHAPES.items()
    # torch has the last one for single labels only
    if (name, labels) != ("of another kind", "many at a time")
}


@pytest.mark.parametrize(("loss", "graph", "shape"), SLOPES.values(), ids=SLOPES.keys())
def test_every_loss_has_torchs_slope(monkeypatch, loss, graph, shape):
    torch.manual_seed(0)
    net = nn.Linear(3, 4) if len(shape) == 1 else nn.Conv1d(2, 4, 1)
    X = torch.randn(5, 3) if len(shape) == 1 else torch.randn(5, 2, 3)
    y = torch.randint(0, 4, shape)
    asked, slope = [], _by_hand._slope
    monkeypatch.setattr(
        _by_hand, "_slope", lambda *given: (asked.append(given), slope(*given))[1]
    )
    l, _, gradients = gradient_by_hand(net, loss)(X, y, 0.25)  # noqa: E741
    expected = loss(net(X), y) * 0.25
    torch.testing.assert_close(l, expected.detach())
    theirs = torch.autograd.grad(expected, [*net.parameters()])
    torch.testing.assert_close(gradients, [*theirs])
    assert bool(asked) is (graph or len(shape) > 1)


def test_probabilities_as_labels_are_left_to_torch():
    torch.manual_seed(0)
    net, loss = nn.Linear(3, 4), nn.CrossEntropyLoss()
    X, y = torch.randn(5, 3), torch.rand(5, 4).softmax(1)
    l, _, gradients = gradient_by_hand(net, loss)(X, y, 1.0)  # noqa: E741
    torch.testing.assert_close(l, loss(net(X), y).detach())
    theirs = torch.autograd.grad(loss(net(X), y), [*net.parameters()])
    torch.testing.assert_close(gradients, [*theirs])


def test_where_nothing_learns_there_is_no_gradient():
    net = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()).requires_grad_(False)
    X, y = torch.rand(4, 3), torch.zeros(4, dtype=torch.int64)
    _, y_hat, gradients = gradient_by_hand(net, nn.CrossEntropyLoss())(X, y, 1.0)
    torch.testing.assert_close(y_hat, net(X))
    assert gradients == []


# -- which links -----------------------------------------------------------------------


def ways(net):
    """Name the functions that a chain is made of, in their order."""
    return [link.func for link, _ in _by_hand._links(net)]


@pytest.mark.usefixtures("_wide")
def test_lenet_has_quick_links_only():
    assert ways(LeNet()) == [
        at_corners, in_place, mean_of_corners,
        convolve, in_place, halve_maps,
        flatten, dense, in_place, dense, in_place, dense,
    ]  # fmt: skip


def test_processors_with_fewer_lanes_go_without_corners(monkeypatch):
    monkeypatch.setattr(_quick_layers, "LANES", 8)
    assert ways(LeNet())[:3] == [convolve, in_place, halve_maps]


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
    "half precision": (first(dtype=torch.bfloat16), False),
    "normalised": (first(pointwise=nn.BatchNorm2d(6)), False),
    "not told by the output": (first(pointwise=nn.GELU()), True),
    "maximum": (first(pool=nn.MaxPool2d(2)), False),
    "nested": (nn.Sequential(first(), nn.Flatten()), True),
    "two layers": (first()[:2], False),
}


@pytest.mark.usefixtures("_wide")
@pytest.mark.parametrize(("net", "expected"), FIRST.values(), ids=FIRST.keys())
def test_a_chain_that_begins_with_few_channels_and_halving_goes_by_corners(
    net, expected
):
    assert (ways(net)[0] is at_corners) is expected


@pytest.mark.usefixtures("_wide")
def test_corners_are_for_the_first_layer_only():
    assert at_corners not in ways(nn.Sequential(nn.Identity(), first()))


class OwnConvolution(nn.Conv2d):
    """A subclass may do anything."""


class OwnLinear(nn.Linear):
    """A subclass may do anything."""


class OwnSigmoid(nn.Sigmoid):
    """A subclass may do anything."""


SINGLE = {
    "convolution": (nn.Conv2d(6, 16, 5), convolve),
    "dilated": (nn.Conv2d(6, 16, 5, dilation=2), as_they_are),
    "own convolution": (OwnConvolution(6, 16, 5), as_they_are),
    "dense": (nn.Linear(3, 2), dense),
    "complex": (nn.Linear(3, 2, dtype=torch.complex64), as_they_are),
    "half precision": (nn.Linear(3, 2, dtype=torch.bfloat16), as_they_are),
    "own dense": (OwnLinear(3, 2), as_they_are),
    "halving": (HALVING, halve_maps),
    "thirds": (nn.AvgPool2d(3), as_they_are),
    "flatten": (nn.Flatten(), flatten),
    "function": (SIGMOID, as_they_are),
    "module": (Scaled(), as_they_are),
}


@pytest.mark.parametrize(("layer", "expected"), SINGLE.values(), ids=SINGLE.keys())
def test_a_layer_by_itself(layer, expected):
    assert ways(layer) == [expected]


IN_PLACE = {
    "after a dense layer": ([nn.Linear(3, 2), SIGMOID], True),
    "after a convolution": ([nn.Conv2d(6, 16, 5), SIGMOID], True),
    "after torch's graph": ([OwnLinear(3, 2), SIGMOID], False),
    "after a view": ([nn.Linear(3, 2), nn.Flatten(), SIGMOID], False),
    "after another": ([nn.Linear(3, 2), nn.Tanh(), SIGMOID], False),
    "own": ([nn.Linear(3, 2), OwnSigmoid()], False),
    "not told by the output": ([nn.Linear(3, 2), nn.GELU()], False),
}


@pytest.mark.parametrize(("layers", "expected"), IN_PLACE.values(), ids=IN_PLACE.keys())
def test_only_memory_that_nobody_else_knows_is_overwritten(layers, expected):
    assert (ways(nn.Sequential(*layers))[-1] is in_place) is expected


def test_layers_that_torch_does_share_a_graph():
    net = nn.Sequential(
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.SiLU(), SIGMOID
    )
    links = _by_hand._links(net)
    assert [link.func for link, _ in links] == [as_they_are, flatten, as_they_are]
    assert [parts for _, parts in links] == [[*net[:2]], [net[2]], [*net[3:]]]


def test_links_stand_for_all_layers():
    net = small(Scaled(), nn.GELU())
    assert [layer for _, layers in _by_hand._links(net) for layer in layers] == [*net]
