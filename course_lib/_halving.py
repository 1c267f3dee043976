"""Average pooling with 2 × 2 windows and stride 2, several times as fast on a CPU.

torch's operator visits every window by itself. Here whole rows are added to whole rows,
which a processor does many numbers at a time, then neighbours within a row. Gradients
go the way back: each is written twice in its row, and each row twice. The numbers are
the same up to rounding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def block_means(X: Tensor) -> Tensor:
    """Average the 2 × 2 blocks of maps with even sides.

    Examples
    --------
    >>> block_means(torch.arange(8.0).reshape(1, 1, 2, 4))
    tensor([[[[2.5000, 4.5000]]]])
    """
    N, C, H, W = X.shape
    rows = X.contiguous().view(N, C, H // 2, 2, W)
    rows = rows[:, :, :, 0] + rows[:, :, :, 1]  # (N, C, H/2, W)
    pairs = rows.view(N, C, H // 2, W // 2, 2)
    return (pairs[..., 0] + pairs[..., 1]).mul_(0.25)  # (N, C, H/2, W/2)


def shared_out(gradient: Tensor) -> Tensor:
    """Give each number of a 2 × 2 block a quarter of the gradient of their mean.

    Examples
    --------
    >>> shared_out(torch.tensor([[[[4.0, 8.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """
    N, C, h, w = gradient.shape
    part = gradient.contiguous() * 0.25
    # A complex number is two floats side by side: the quickest way to double each.
    pairs = torch.view_as_real(torch.complex(part, part))  # (N, C, h, w, 2)
    row = pairs.view(N, C, h, 2 * w)
    return torch.stack((row, row), 3).view(N, C, 2 * h, 2 * w)


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor) -> Tensor:
        return block_means(X)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return shared_out(gradient)


def has_blocks(X: Tensor) -> bool:
    """Tell whether :func:`block_means` and :func:`shared_out` are for such maps.

    Examples
    --------
    >>> has_blocks(torch.ones(1, 1, 2, 4)), has_blocks(torch.ones(1, 1, 3, 4))
    (True, False)
    """
    even = X.ndim == 4 and X.shape[2] % 2 == X.shape[3] % 2 == 0
    return even and X.dtype in (torch.float32, torch.float64)


def halve(X: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C H//2 W//2"]:
    """Average the 2 × 2 blocks of each map, as ``nn.AvgPool2d(2)`` does.

    An odd last row or column is dropped. Any float dtype and device; the quick way is
    taken for float32 and float64 maps of even height and width. Introduced in
    :doc:`/book/lenet`.

    Examples
    --------
    >>> halve(torch.arange(16.0).reshape(1, 1, 4, 4))
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    return _Halve.apply(X) if has_blocks(X) else F.avg_pool2d(X, 2)


def halves(module: nn.Module) -> bool:
    """Tell whether a module is average pooling that :func:`halve` can stand in for.

    Introduced in :doc:`/book/lenet`.

    Examples
    --------
    >>> halves(nn.AvgPool2d(2)), halves(nn.AvgPool2d(2, stride=1)), halves(nn.ReLU())
    (True, False, False)
    """
    return (
        type(module) is nn.AvgPool2d
        and module.kernel_size in (2, (2, 2))
        and module.stride in (2, (2, 2))
        and module.padding in (0, (0, 0))
        and not module.ceil_mode
        and module.divisor_override is None
    )


@contextmanager
def quick_halving(net: nn.Module) -> Iterator[None]:
    """Let the layers of ``net`` that :func:`halves` names use :func:`halve` meanwhile.

    Introduced in :doc:`/book/lenet`.

    Examples
    --------
    >>> pool = nn.AvgPool2d(2)
    >>> with quick_halving(pool):
    ...     print(pool(torch.ones(1, 1, 2, 2)))
    tensor([[[[1.]]]])
    """
    layers = [module for module in net.modules() if halves(module)]
    for layer in layers:
        layer.forward = halve
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
