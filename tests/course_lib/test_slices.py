"""Slices of a batch on every core: the same numbers, and only where that is certain."""

import threading

import pytest
import torch
from torch import nn

from course_lib._slices import can_slice, sliced_batch, whole_batch
from course_lib.lenet import LeNet


@pytest.fixture(autouse=True)
def _four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    assert torch.get_num_threads() == 4, "put back as it was"
    torch.set_num_threads(before)


def batch(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.rand(n, 1, 28, 28, generator=generator)
    return X, torch.randint(0, 10, (n,), generator=generator)


def outcome(step, net, X, y):
    loss, y_hat = step(X, y)
    return [loss, y_hat, *(p.grad.clone() for p in net.parameters())]


@pytest.mark.parametrize("cores", [2, 3, 4])
@pytest.mark.parametrize("n", [64, 96, 100, 131, 256])
def test_slices_give_the_loss_predictions_and_gradients_of_the_whole(n, cores):
    torch.manual_seed(0)
    net, loss = LeNet(), nn.CrossEntropyLoss()
    expected = outcome(whole_batch(net, loss), net, *batch(n))
    with sliced_batch(net, loss, cores) as step:
        got = outcome(step, net, *batch(n))
    for ours, theirs in zip(got, expected, strict=True):
        assert not ours.requires_grad
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


def test_every_run_rounds_alike():
    torch.manual_seed(0)
    net = LeNet()
    with sliced_batch(net, nn.CrossEntropyLoss(), 4) as step:
        first, second = (outcome(step, net, *batch(256)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)


def seen_by(net_of, n, cores):
    """Sizes of the slices that a network is given, and how many threads gave them."""
    sizes, workers, threads = [], set(), set()

    class Spy(nn.Linear):
        def forward(self, X):
            sizes.append(len(X))
            workers.add(threading.get_ident())
            threads.add(torch.get_num_threads())
            return super().forward(X)

    net = Spy(3, 2)
    with sliced_batch(net, nn.CrossEntropyLoss(), cores) as step:
        step(torch.rand(n, 3), torch.zeros(n, dtype=torch.int64))
    return sorted(sizes), workers, threads


@pytest.mark.parametrize(
    ("n", "cores", "expected"),
    [
        (256, 2, [128, 128]),
        (256, 4, [64] * 4),
        (100, 2, [50, 50]),
        (101, 2, [50, 51]),
        (96, 4, [32] * 3),  # no slice below 32
        (63, 2, [63]),
        (1, 4, [1]),
    ],
)
def test_a_batch_is_shared_out_evenly_and_small_ones_not_at_all(n, cores, expected):
    sizes, workers, threads = seen_by(nn.Linear, n, cores)
    assert sizes == expected
    assert threads == {1}, "each slice has one core to itself"
    assert (len(workers) > 1) == (len(expected) > 1)


def test_parameters_that_do_not_learn_or_are_not_used_get_no_gradient():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)
            self.used.bias.requires_grad_(False)

        def forward(self, X):
            return self.used(X)

    net = Two()
    with sliced_batch(net, nn.CrossEntropyLoss(), 2) as step:
        step(torch.rand(64, 3), torch.zeros(64, dtype=torch.int64))
    assert net.used.weight.grad is not None
    assert net.used.bias.grad is None
    assert net.unused.weight.grad is None


@pytest.mark.parametrize("where", [0, 63], ids=["first slice", "last slice"])
def test_an_error_in_any_slice_reaches_the_caller(where):
    y = torch.zeros(64, dtype=torch.int64)
    y[where] = 7
    with (
        sliced_batch(nn.Linear(3, 2), nn.CrossEntropyLoss(), 2) as step,
        pytest.raises(IndexError, match="Target 7 is out of bounds"),
    ):
        step(torch.rand(64, 3), y)


class OwnLinear(nn.Linear):
    """A subclass may do anything."""


def hooked():
    net = nn.Linear(2, 2)
    net.register_forward_hook(lambda *_: None)
    return net


def hooked_at(method):
    net = nn.Linear(2, 2)
    getattr(net.bias, method)(lambda *_: None)
    return net


def normed():
    return nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))


NETS = {
    "LeNet": (LeNet, True),
    "a layer": (lambda: nn.Linear(2, 2), True),
    "batch norm": (lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), False),
    "dropout": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)), False),
    "own layer": (lambda: nn.Sequential(OwnLinear(2, 2)), False),
    "hook": (lambda: nn.Sequential(hooked()), False),
    "hook of a parameter": (lambda: hooked_at("register_hook"), False),
    "hook after a gradient": (
        lambda: hooked_at("register_post_accumulate_grad_hook"),
        False,
    ),
    "parametrization": (lambda: nn.Sequential(normed()), False),
}


@pytest.mark.parametrize(("build", "expected"), NETS.values(), ids=NETS.keys())
def test_only_nets_that_treat_each_example_by_itself_are_sliced(build, expected):
    assert can_slice(build()) is expected
