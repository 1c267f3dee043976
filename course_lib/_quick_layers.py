"""Layers in the ways that suit a CPU best: the numbers are torch's up to rounding.

oneDNN, which convolves for torch on a CPU, computes 16 channels at a time, or 8 on
processors without AVX-512. Where there are fewer, the rest of each instruction is
wasted. Two ways round that, and a third gain:

- :func:`corners`. Average pooling that halves needs four outputs of the convolution
  before it: the four corners of its window. One convolution of stride 2 with a kernel
  one larger gives all four as separate channels. That is more channels to fill the
  instruction with, and pooling becomes a sum of four whole maps.
- :func:`convolve`. Of a layer with few input channels, the gradient of the weights is
  taken channels-last.
- :func:`dense`. Large matrices are multiplied by :func:`matrix_product`.

:func:`quick_chain` finds the layers of a network that gain by it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeGuard, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib._halving import halves
from course_lib._matrix_product import matrix_product

_LANES = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
_MANY_WEIGHTS = 2**15  # enough for a product with a slice of 64 examples to gain
_POINTWISE = {nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU}


def quick_chain(net: nn.Module) -> Callable[[Tensor], Tensor]:
    """Give a function that does what ``net`` does, with the same parameters.

    The layers of ``nn.Sequential``, nested or not, are looked at one by one; any other
    module is called as it is. Introduced in :doc:`/book/lenet`.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.AvgPool2d(2))
    >>> X = torch.rand(2, 1, 28, 28)
    >>> torch.allclose(quick_chain(net)(X), net(X), atol=1e-6)
    True
    """
    steps = _steps(net)

    def forward(X: Tensor) -> Tensor:
        for step in steps:
            X = step(X)
        return X

    return forward


def _steps(net: nn.Module) -> list[Callable[[Tensor], Tensor]]:
    """Choose the functions to apply one after the other."""
    layers = list(_layers(net))
    if not _has_corners(layers):
        return [*map(_quick, layers)]
    convolution, pointwise, pool, *others = layers
    first = partial(corners, cast(nn.Conv2d, convolution), pointwise, pool)
    return [first, *map(_quick, others)]


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Walk through nested chains in the order of use."""
    if type(module) is nn.Sequential:
        for part in module:
            yield from _layers(part)
    else:
        yield module


def _plain(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Tell whether this is a 2-D convolution without dilation, groups and the like."""
    return (
        type(layer) is nn.Conv2d
        and layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and isinstance(layer.padding, tuple)
    )


def _has_corners(layers: list[nn.Module]) -> bool:
    """Tell whether a chain begins with what :func:`corners` is quicker at.

    Only the beginning: the gradient of the input, which a first layer never needs,
    would cost more than is gained.
    """
    if len(layers) < 3:
        return False
    convolution, pointwise, pool = layers[:3]
    return (
        _plain(convolution)
        and convolution.stride == (1, 1)
        and convolution.in_channels <= 3
        and convolution.out_channels <= _LANES // 2
        and type(pointwise) in _POINTWISE
        and halves(pool)
    )


def _quick(layer: nn.Module) -> Callable[[Tensor], Tensor]:
    """Choose how to do one layer: from few channels to many, much to much, as it is."""
    if _plain(layer) and 4 <= layer.in_channels < _LANES <= layer.out_channels:
        return partial(convolve, layer)
    if type(layer) is nn.Linear and layer.weight.numel() >= _MANY_WEIGHTS:
        return partial(dense, layer)
    return layer


# -- the corners of a pooling window ---------------------------------------------------


class _FourPlaces(torch.autograd.Function):
    """Put a kernel into each corner of a window one larger, with zeros around it."""

    @staticmethod
    def forward(ctx: Any, K: Tensor) -> Tensor:
        c_o, c_i, h, w = ctx.shape = K.shape
        window = K.new_zeros(4 * c_o, c_i, h + 1, w + 1)
        _FourPlaces.corners(window, K.shape).copy_(K)
        return window

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _FourPlaces.corners(gradient.contiguous(), ctx.shape).sum((0, 1))

    @staticmethod
    def corners(window: Tensor, shape: torch.Size) -> Tensor:
        """View the places that the kernel goes to: (2, 2, c_o, c_i, h, w)."""
        out, in_, row, column = window.stride()
        down = 2 * shape[0] * out + row  # two blocks of channels on, one row down
        right = shape[0] * out + column
        return window.as_strided((2, 2, *shape), (down, right, out, in_, row, column))


def corners(
    convolution: nn.Conv2d, pointwise: nn.Module, pool: nn.Module, X: Tensor
) -> Tensor:
    """Convolve, apply a function to each number, average 2 × 2 blocks: three layers.

    Takes ``(N, c_i, H, W)`` and gives ``(N, c_o, H', W')``. Where the convolution's
    output has an odd side, whose last row or column pooling drops, the layers are
    called one by one. Introduced in :doc:`/book/lenet`.

    Examples
    --------
    >>> layers = nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.AvgPool2d(2)
    >>> corners(*layers, torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 6, 12, 12])
    """
    padding = cast(tuple[int, int], convolution.padding)
    sides = zip(X.shape[2:], padding, convolution.kernel_size, strict=True)
    if X.ndim != 4 or any((size + 2 * p - k) % 2 == 0 for size, p, k in sides):
        return cast(Tensor, pool(pointwise(convolution(X))))
    K = _FourPlaces.apply(convolution.weight)  # (4·c_o, c_i, k_h + 1, k_w + 1)
    bias = None if convolution.bias is None else convolution.bias.repeat(4)
    Y = pointwise(F.conv2d(X, K, bias, stride=2, padding=padding))
    return Y.unflatten(1, (4, -1)).sum(1) * 0.25  # (N, c_o, H', W')


# -- the gradient of few channels ------------------------------------------------------


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        X: Tensor,
        K: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(X, K)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(X, K, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        X, K = ctx.saved_tensors
        for_X, for_K, for_bias = ctx.needs_input_grad[:3]

        def backward(G: Tensor, X: Tensor, wanted: list[bool]) -> tuple[Any, ...]:
            return torch.ops.aten.convolution_backward(
                G, X, K, [len(K)], ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1,
                wanted,
            )  # fmt: skip

        dX = backward(gradient, X, [for_X, False, False])[0] if for_X else None
        last = torch.channels_last
        gradient = gradient.contiguous(memory_format=last)
        X = X.contiguous(memory_format=last)
        _, dK, db = backward(gradient, X, [False, for_K, for_bias])
        if dK is not None:
            dK = dK.contiguous()  # as the kernel lies
        return dX, dK, db, None, None


def convolve(layer: nn.Conv2d, X: Tensor) -> Tensor:
    """Do what a convolutional layer does; its weights' gradient goes channels-last.

    For layers without dilation, groups and circular padding. Introduced in
    :doc:`/book/lenet`.

    Examples
    --------
    >>> convolve(nn.Conv2d(6, 16, 5), torch.rand(2, 6, 14, 14)).shape
    torch.Size([2, 16, 10, 10])
    """
    return _Convolve.apply(X, layer.weight, layer.bias, layer.stride, layer.padding)


# -- dense layers ----------------------------------------------------------------------


class _Dense(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor, W: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(X, W)
        Y = matrix_product(X, W.T)
        return Y if bias is None else Y.add_(bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        X, W = ctx.saved_tensors
        for_X, for_W, for_bias = ctx.needs_input_grad
        return (
            matrix_product(gradient, W) if for_X else None,
            matrix_product(gradient.T, X) if for_W else None,
            gradient.sum(0) if for_bias else None,
        )


def dense(layer: nn.Linear, X: Tensor) -> Tensor:
    """Do what a dense layer does, for matrices by :func:`matrix_product`.

    Takes ``(N, inputs)``; inputs with other axes go the ordinary way. Introduced in
    :doc:`/book/lenet`.

    Examples
    --------
    >>> dense(nn.Linear(400, 120), torch.rand(128, 400)).shape
    torch.Size([128, 120])
    """
    if X.ndim != 2:
        return layer(X)
    return _Dense.apply(X, layer.weight, layer.bias)
