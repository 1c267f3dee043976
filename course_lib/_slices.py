"""Take the gradient of one batch on all cores of a CPU, a slice of the batch each.

torch's operators share out their own work, and their threads meet at the end of every
operator. With layers as small as LeNet's the meetings cost much of the gain, and all
of it when another program holds a core for a moment. Here every core takes its slice
of the batch through the whole network and back, and they meet once per step.

The mean loss of a batch is the weighted sum of the slices' mean losses, so its gradient
is the weighted sum of theirs: the numbers are the same up to rounding. That holds for
layers that treat every example by itself. Batch normalisation, dropout and layers that
we do not know are left to the ordinary way.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from course_lib._by_hand import Loss, gradient_by_hand

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

# Exactly these types: a subclass may do anything.
_EACH_EXAMPLE_BY_ITSELF = {
    nn.Sequential,
    nn.Identity,
    nn.Flatten,
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.AvgPool2d,
    nn.MaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Sigmoid,
    nn.Tanh,
    nn.ReLU,
    nn.LeakyReLU,
    nn.GELU,
    nn.SiLU,
}

# A slice smaller than this costs more to hand out than it saves.
_SMALLEST_SLICE = 32


def can_slice(net: nn.Module) -> bool:
    """Tell whether every layer of ``net`` treats each example by itself.

    Introduced in :doc:`/book/lenet`.

    Examples
    --------
    >>> can_slice(nn.Sequential(nn.Linear(4, 2), nn.ReLU()))
    True
    >>> can_slice(nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)))
    False
    """
    return all(
        type(module) in _EACH_EXAMPLE_BY_ITSELF
        # A hook may count calls or look at the whole batch.
        and not (module._forward_hooks or module._forward_pre_hooks)
        and not (module._backward_hooks or module._backward_pre_hooks)
        and not getattr(module, "parametrizations", None)
        for module in net.modules()
    ) and not any(
        parameter._backward_hooks or parameter._post_accumulate_grad_hooks
        for parameter in net.parameters()
    )


def whole_batch(net: nn.Module, loss: Loss) -> Step:
    """Make the ordinary step: forward, loss, backward on the batch as it is.

    The step takes a batch ``(X, y)``, leaves its gradient in ``.grad`` of the
    parameters, and returns the loss and the predictions, both detached.

    Examples
    --------
    >>> net = nn.Linear(1, 1)
    >>> step = whole_batch(net, nn.MSELoss())
    >>> loss, y_hat = step(torch.ones(4, 1), torch.ones(4, 1))
    >>> y_hat.shape, net.weight.grad.shape
    (torch.Size([4, 1]), torch.Size([1, 1]))
    """

    def step(X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        net.zero_grad(set_to_none=True)
        y_hat = net(X)
        l = loss(y_hat, y)  # noqa: E741
        l.backward()
        return l.detach(), y_hat.detach()

    return step


@contextmanager
def sliced_batch(net: nn.Module, loss: Loss, cores: int) -> Iterator[Step]:
    """Make the step that gives every core a slice of the batch.

    Does what :func:`whole_batch` does, for a ``loss`` that averages over the batch and
    a network that :func:`can_slice`. Inside the ``with`` block torch's operators use
    one thread each, since the cores are taken by the slices.

    Examples
    --------
    >>> net = nn.Linear(1, 1)
    >>> with sliced_batch(net, nn.MSELoss(), cores=2) as step:
    ...     loss, y_hat = step(torch.ones(64, 1), torch.ones(64, 1))
    >>> y_hat.shape, net.weight.grad.shape
    (torch.Size([64, 1]), torch.Size([1, 1]))
    """
    parameters = [p for p in net.parameters() if p.requires_grad]
    ordinary = whole_batch(net, loss)
    slice_gradient = gradient_by_hand(net, loss)

    def step(X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        count = min(cores, len(X) // _SMALLEST_SLICE)
        if count < 2:
            return ordinary(X, y)
        slices = zip(X.chunk(count), y.chunk(count), strict=True)
        first, *others = ((a, b, len(a) / len(X)) for a, b in slices)
        waiting = [helpers.submit(slice_gradient, *other) for other in others]
        parts = [slice_gradient(*first), *(future.result() for future in waiting)]
        losses, predictions, gradients = zip(*parts, strict=True)
        for parameter, *gradient in zip(parameters, *gradients, strict=True):
            # Added in the order of the slices: every run rounds alike.
            parameter.grad = None if gradient[0] is None else reduce(add, gradient)
        return sum(losses), torch.cat(predictions)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(max(1, cores - 1)) as helpers:
            yield step
    finally:
        torch.set_num_threads(threads)
