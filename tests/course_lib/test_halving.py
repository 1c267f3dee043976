"""The quick average pooling agrees with torch's, and stands in only where it may."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib._halving import halve, halves, quick_halving
from course_lib.lenet import LeNet

SIZES = [
    (2, 6, 28, 28),
    (1, 1, 2, 2),
    (3, 2, 4, 10),
    (0, 2, 4, 4),
    (2, 3, 5, 4),
    (1, 1, 3, 7),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_halving_and_its_gradient_are_those_of_torch(size, dtype):
    torch.manual_seed(0)
    X = torch.randn(size).to(dtype).requires_grad_()
    ours, theirs = halve(X), F.avg_pool2d(X, 2)
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn_like(ours)
    (mine,), (its,) = (torch.autograd.grad(Y, X, weight) for Y in (ours, theirs))
    torch.testing.assert_close(mine, its)


def test_any_memory_layout_is_right():
    X = torch.randn(2, 6, 8, 8)
    expected = F.avg_pool2d(X, 2)
    last = X.to(memory_format=torch.channels_last).requires_grad_()
    torch.testing.assert_close(halve(last), expected)
    weight = torch.randn(2, 6, 4, 4).to(memory_format=torch.channels_last)
    (ours,) = torch.autograd.grad(halve(last), last, weight)
    (theirs,) = torch.autograd.grad(F.avg_pool2d(last, 2), last, weight)
    torch.testing.assert_close(ours, theirs)
    turned = torch.randn(2, 6, 8, 4).transpose(2, 3)
    torch.testing.assert_close(halve(turned), F.avg_pool2d(turned, 2))


def test_the_gradient_agrees_with_differences():
    X = torch.randn(2, 2, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(halve, X)


LAYERS = {
    "2": (nn.AvgPool2d(2), True),
    "2, stride 2": (nn.AvgPool2d(kernel_size=2, stride=2), True),
    "pairs": (nn.AvgPool2d((2, 2), (2, 2), (0, 0)), True),
    "3": (nn.AvgPool2d(3), False),
    "stride 1": (nn.AvgPool2d(2, stride=1), False),
    "two sizes": (nn.AvgPool2d((2, 1)), False),
    "padding": (nn.AvgPool2d(2, padding=1), False),
    "ceil": (nn.AvgPool2d(2, ceil_mode=True), False),
    "divisor": (nn.AvgPool2d(2, divisor_override=3), False),
    "maximum": (nn.MaxPool2d(2), False),
}


@pytest.mark.parametrize(("layer", "expected"), LAYERS.values(), ids=LAYERS.keys())
def test_only_pooling_that_halves_is_replaced(layer, expected):
    assert halves(layer) is expected


def test_layers_are_quick_inside_the_block_and_as_before_after_it():
    net = LeNet()
    X = torch.rand(2, 1, 28, 28)
    before = net(X)
    with quick_halving(net):
        assert net[2].forward is net[5].forward is halve
        torch.testing.assert_close(net(X), before)
    with pytest.raises(ZeroDivisionError), quick_halving(net):
        1 / 0
    assert all("forward" not in vars(module) for module in net.modules())
    assert torch.equal(net(X), before)
