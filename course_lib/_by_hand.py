"""The gradient of a chain of layers from the chain rule itself, without a graph.

torch writes down every operation and finds its way back through what it wrote. In a
chain the way back is known beforehand: the same links in the opposite order. Doing
without the writing saves time that small layers notice, and memory may be used again
where a graph would have to keep it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from course_lib import _quick_layers as quick
from course_lib._halving import halves

Link = Callable[[Tensor], tuple[Tensor, quick.Back]]
Loss = Callable[[Tensor, Tensor], Tensor]
Gradient = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor, list[Tensor | None]]]

_DTYPES = {torch.float32, torch.float64}
_POINTWISE = {*quick.TOLD_BY_OUTPUT, nn.LeakyReLU, nn.GELU, nn.SiLU}


def gradient_by_hand(net: nn.Module, loss: Loss) -> Gradient:
    """Make the function that gives the gradient of a loss at a batch.

    It takes ``X``, ``y`` and a factor for the loss. It returns the loss, the
    predictions and one gradient for each parameter that learns, in their order: None
    where the network makes no use of it. The layers of ``nn.Sequential``, nested or
    not, are looked at one by one; any other module is called as it is.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1))
    >>> X, y = torch.rand(4, 2), torch.rand(4, 1)
    >>> l, y_hat, gradients = gradient_by_hand(net, nn.MSELoss())(X, y, 1.0)
    >>> expected = torch.autograd.grad(nn.MSELoss()(net(X), y), [*net.parameters()])
    >>> all(map(torch.allclose, gradients, expected))
    True
    """
    parameters = [p for p in net.parameters() if p.requires_grad]
    chain = _links(net)
    learning = [i for i, (_, parts) in enumerate(chain) if _learns(parts)]
    first = min(learning, default=len(chain))
    slope = partial(_cross_entropy if _is_usual(loss) else _slope, loss)

    @torch.no_grad()
    def gradient(
        X: Tensor, y: Tensor, share: float
    ) -> tuple[Tensor, Tensor, list[Tensor | None]]:
        backs = []
        for link, _ in chain:
            X, back = link(X)
            backs.append(back)
        # A copy: the way back may overwrite what the last link gave.
        scores = X.clone()
        l, G = slope(scores, y, share)  # noqa: E741
        found: dict[Tensor, Tensor] = {}
        for place in range(len(chain) - 1, first - 1, -1):
            # Popped, so that memory is free as soon as it is no longer needed.
            dX, pairs = backs.pop()(G, place > first)
            for parameter, part in pairs:
                earlier = found.get(parameter)  # of a layer that is used twice
                found[parameter] = part if earlier is None else earlier + part
            if dX is None:
                break
            G = dX
        return l, scores, [found.get(p) for p in parameters]

    return gradient


def _is_usual(loss: Loss) -> bool:
    """Tell whether this is cross-entropy, averaged, of classes as they are."""
    return (
        type(loss) is nn.CrossEntropyLoss
        and loss.reduction == "mean"
        and loss.label_smoothing == 0
        and hasattr(torch.ops.aten, "_log_softmax_backward_data")  # it is private
    )


def _slope(
    loss: Loss, scores: Tensor, y: Tensor, share: float
) -> tuple[Tensor, Tensor]:
    """Give a loss, times a factor, and its gradient."""
    scores = scores.detach().requires_grad_()
    with torch.enable_grad():
        l = loss(scores, y) * share  # noqa: E741
    (G,) = torch.autograd.grad(l, scores)
    return l.detach(), G


def _cross_entropy(
    loss: Loss, scores: Tensor, y: Tensor, share: float
) -> tuple[Tensor, Tensor]:
    """Do the same by the operations that torch's graph would call."""
    if scores.ndim != 2 or y.ndim != 1 or scores.dtype not in _DTYPES:
        return _slope(loss, scores, y, share)
    aten, kind = torch.ops.aten, cast(nn.CrossEntropyLoss, loss)
    mean, rest = 1, kind.ignore_index
    log_p = torch.log_softmax(scores, 1)
    l, total = aten.nll_loss_forward(log_p, y, kind.weight, mean, rest)  # noqa: E741
    G = aten.nll_loss_backward(
        l.new_tensor(share), log_p, y, kind.weight, mean, rest, total
    )
    return l * share, aten._log_softmax_backward_data(G, log_p, 1, log_p.dtype)


def _learns(layers: list[nn.Module]) -> bool:
    return any(p.requires_grad for layer in layers for p in layer.parameters())


def _links(net: nn.Module) -> list[tuple[Link, list[nn.Module]]]:
    """Choose the links of the chain, each with the layers that it stands for."""
    layers = list(_layers(net))
    links: list[tuple[Link, list[nn.Module]]] = []
    if _has_corners(layers):
        convolution, pointwise, pool, *layers = layers
        links = [
            (partial(quick.at_corners, cast(nn.Conv2d, convolution)), [convolution]),
            (_pointwise(pointwise), [pointwise]),
            (partial(quick.mean_of_corners, pool), [pool]),
        ]
    others: list[nn.Module] = []  # those that torch does: in a row, they share a graph
    owned = False  # whether the link before gives memory that only it knows
    for layer in layers:
        link = _quick(layer, owned)
        owned = link is not None and type(layer) in (nn.Conv2d, nn.Linear)
        if link is None:
            if not others:
                links.append((partial(quick.as_they_are, others), others))
            others.append(layer)
        else:
            links.append((link, [layer]))
            others = []
    return links


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Walk through nested chains in the order of use."""
    if type(module) is nn.Sequential:
        for part in module:
            yield from _layers(part)
    else:
        yield module


def _quick(layer: nn.Module, owned: bool) -> Link | None:
    """Choose how to do one layer; None leaves it to torch."""
    dtypes = {p.dtype for p in layer.parameters()}
    if not dtypes <= _DTYPES:
        return None
    if quick.plain(layer):
        return partial(quick.convolve, layer)
    if type(layer) is nn.Linear:
        return partial(quick.dense, layer)
    if type(layer) is nn.Flatten:
        return partial(quick.flatten, layer)
    if halves(layer):
        return partial(quick.halve_maps, layer)
    if owned and type(layer) in quick.TOLD_BY_OUTPUT:
        return partial(quick.in_place, layer)
    return None


def _pointwise(layer: nn.Module) -> Link:
    """Do a function of single numbers after a convolution."""
    return _quick(layer, owned=True) or partial(quick.as_they_are, [layer])


def _has_corners(layers: list[nn.Module]) -> bool:
    """Tell whether a chain begins with what :func:`at_corners` is quicker at.

    Only the beginning: the gradient of the input, which a first layer never needs,
    would cost more than is gained.
    """
    if len(layers) < 3:
        return False
    convolution, pointwise, pool = layers[:3]
    return (
        quick.plain(convolution)
        and convolution.weight.dtype in _DTYPES
        and convolution.stride == (1, 1)
        and convolution.in_channels <= 3
        and convolution.out_channels <= quick.LANES // 2
        and type(pointwise) in _POINTWISE
        and halves(pool)
    )
