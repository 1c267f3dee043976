"""Layers in the ways that suit a CPU best: the numbers are torch's up to rounding.

oneDNN, which convolves for torch on a CPU, computes 16 channels at a time, or 8 on
processors without AVX-512. Where there are fewer, the rest of each instruction is
wasted. Three ways round that, and two more gains:

- :func:`at_corners`. Average pooling that halves needs four outputs of the convolution
  before it: the four corners of its window. One convolution of stride 2 with a kernel
  one larger gives all four as separate channels. That is more channels to fill the
  instruction with, and pooling (:func:`mean_of_corners`) is a sum of four whole maps.
- :func:`convolve`. Of a layer with few input channels, the gradient of the weights is
  taken channels-last, and that of the input two columns at a time
  (:func:`in_two_columns`), as twice the channels.
- :func:`dense`. Large matrices are multiplied by :func:`matrix_product`.
- :func:`in_place`. What follows a convolutional or dense layer number by number needs
  no memory of its own, neither forth nor back: memory that is not touched need not be
  fetched.

Each function here is one link of a chain: it takes the layer and its input and gives
the output and a second function, which takes the gradient of the output back to that
of the input and to those of the layer's parameters. :mod:`course_lib._by_hand` puts
the links together.
"""

from collections.abc import Callable
from typing import TypeGuard, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib._halving import block_means, has_blocks, shared_out
from course_lib._matrix_product import matrix_product

Gradients = list[tuple[Tensor, Tensor]]  # pairs of a parameter and its gradient
# Takes the gradient of the output; is told whether that of the input is wanted.
Back = Callable[[Tensor, bool], tuple[Tensor | None, Gradients]]

LANES = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8


def plain(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Tell whether this is a 2-D convolution without dilation, groups and the like.

    Examples
    --------
    >>> plain(nn.Conv2d(1, 6, 5)), plain(nn.Conv2d(1, 6, 5, dilation=2))
    (True, False)
    """
    return (
        type(layer) is nn.Conv2d
        and layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and isinstance(layer.padding, tuple)
    )


def learning(parameter: Tensor | None) -> bool:
    """Tell whether there is a parameter whose gradient is wanted.

    Examples
    --------
    >>> learning(None), learning(nn.Parameter(torch.ones(2)))
    (False, True)
    """
    return parameter is not None and parameter.requires_grad


def _pairs(*all_: tuple[Tensor | None, Tensor | None]) -> Gradients:
    """Keep the parameters that have a gradient."""
    return [(p, dp) for p, dp in all_ if p is not None and dp is not None]


# -- any layers ------------------------------------------------------------------------


def as_they_are(layers: list[nn.Module], X: Tensor) -> tuple[Tensor, Back]:
    """Apply layers one after the other; torch finds the gradients.

    Examples
    --------
    >>> Y, back = as_they_are([nn.ReLU(), nn.Flatten()], torch.tensor([[[-1.0, 2.0]]]))
    >>> Y, back(torch.ones(1, 2), True)
    (tensor([[0., 2.]]), (tensor([[[0., 1.]]]), []))
    """
    parameters = [p for f in layers for p in f.parameters() if p.requires_grad]
    with torch.enable_grad():
        X = X.detach().requires_grad_(X.is_floating_point())
        # A layer that works in place must not change what others still need.
        Y = X.clone() if getattr(layers[0], "inplace", False) else X
        for layer in layers:
            Y = layer(Y)

    def back(G: Tensor, for_X: bool) -> tuple[Tensor | None, Gradients]:
        wanted = [X, *parameters] if for_X else parameters
        if not wanted:
            return None, []
        found = torch.autograd.grad(Y, wanted, G, allow_unused=True)
        dX, gradients = (found[0], found[1:]) if for_X else (None, found)
        pairs = zip(parameters, gradients, strict=True)
        return dX, [(p, gradient) for p, gradient in pairs if gradient is not None]

    return Y.detach(), back


# -- convolution -----------------------------------------------------------------------


def convolve(layer: nn.Conv2d, X: Tensor) -> tuple[Tensor, Back]:
    """Do what a :func:`plain` convolutional layer does.

    Examples
    --------
    >>> Y, back = convolve(nn.Conv2d(6, 16, 5), torch.rand(2, 6, 14, 14))
    >>> dX, [(weight, dK), (bias, db)] = back(torch.ones_like(Y), True)
    >>> Y.shape, dX.shape, dK.shape, db.shape  # doctest: +NORMALIZE_WHITESPACE
    (torch.Size([2, 16, 10, 10]), torch.Size([2, 6, 14, 14]),
     torch.Size([16, 6, 5, 5]), torch.Size([16]))
    """
    K, bias = layer.weight, layer.bias
    stride, padding = layer.stride, cast(tuple[int, int], layer.padding)
    Y = F.conv2d(X, K, bias, stride, padding)

    def back(G: Tensor, for_X: bool) -> tuple[Tensor | None, Gradients]:
        learns = [learning(K), learning(bias)]
        if not _widens(layer):
            every = [for_X, *learns]
            dX, dK, db = _convolution_back(G, X, K, stride, padding, every)
            return dX, _pairs((K, dK), (bias, db))
        dX = _input_gradient(layer, G, X) if for_X else None
        last = torch.channels_last
        G, X_last = G.contiguous(memory_format=last), X.contiguous(memory_format=last)
        _, dK, db = _convolution_back(G, X_last, K, stride, padding, [False, *learns])
        if dK is not None:
            dK = dK.contiguous()  # as the kernel lies
        return dX, _pairs((K, dK), (bias, db))

    return Y, back


def _widens(layer: nn.Conv2d) -> bool:
    """Tell whether a layer goes from few channels to many."""
    return 4 <= layer.in_channels < LANES <= layer.out_channels


def _convolution_back(
    G: Tensor,
    X: Tensor,
    K: Tensor,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    wanted: list[bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Give those gradients that are wanted of the input, the kernel and the bias."""
    if not any(wanted):
        return None, None, None
    found = torch.ops.aten.convolution_backward(
        G, X, K, [len(K)], stride, padding, (1, 1), False, (0, 0), 1, wanted
    )
    # oneDNN gives the kernel's and the bias's together even if one is wanted.
    dX, dK, db = (d if w else None for d, w in zip(found, wanted, strict=True))
    return dX, dK, db


def _input_gradient(layer: nn.Conv2d, G: Tensor, X: Tensor) -> Tensor:
    """Give the gradient of the input in the quicker way."""
    K, padding = layer.weight, cast(tuple[int, int], layer.padding)
    h, w = layer.kernel_size
    if (
        layer.stride == (1, 1)
        and 2 * layer.in_channels <= LANES
        and padding[0] < h
        and padding[1] < w
        and w > 1  # else both columns have nothing in common
        and X.shape[3] % 2 == 0
    ):
        return in_two_columns(G, K, padding)
    only_X = [True, False, False]
    dX, _, _ = _convolution_back(G, X, K, layer.stride, padding, only_X)
    return cast(Tensor, dX)


def in_two_columns(G: Tensor, K: Tensor, padding: tuple[int, int]) -> Tensor:
    """Give a convolution's gradient of its input, of even width, from the output's.

    It is the convolution of ``G`` with the kernel turned round. With the kernel twice,
    in windows one wider, a convolution of stride 2 gives two neighbouring columns as
    separate channels.

    Examples
    --------
    >>> G, K = torch.ones(1, 1, 1, 3), torch.tensor([[[[1.0, 10.0]]]])
    >>> in_two_columns(G, K, (0, 0))
    tensor([[[[ 1., 11., 11., 10.]]]])
    """
    c_o, c_i, h, w = K.shape
    turned = K.flip(2, 3).transpose(0, 1)  # (c_i, c_o, h, w)
    twice = K.new_zeros(2, c_i, c_o, h, w + 1)
    copy, *inner = twice.stride()
    # The second copy lies one column further to the right.
    twice.as_strided((2, c_i, c_o, h, w), (copy + 1, *inner)).copy_(turned)
    around = (h - 1 - padding[0], w - 1 - padding[1])
    D = F.conv2d(G, twice.flatten(0, 1), None, (1, 2), around)  # (N, 2·c_i, H, W/2)
    left, right = D[:, :c_i], D[:, c_i:]
    # A complex number is two floats side by side: the quickest way to interleave.
    return torch.view_as_real(torch.complex(left, right)).flatten(3)  # (N, c_i, H, W)


# -- the corners of a pooling window ---------------------------------------------------


def at_corners(layer: nn.Conv2d, X: Tensor) -> tuple[Tensor, Back]:
    """Convolve; give the outputs at the corners of 2 × 2 blocks as four sets of maps.

    Takes ``(N, c_i, H, W)`` and gives ``(N, 4, c_o, H', W')``. Where the output would
    have an odd side, whose last row or column pooling drops, it is left whole.

    Examples
    --------
    >>> layer, X = nn.Conv2d(1, 6, 5), torch.rand(2, 1, 28, 28)
    >>> at_corners(layer, X)[0].shape
    torch.Size([2, 4, 6, 12, 12])
    >>> at_corners(layer, X[..., 1:])[0].shape
    torch.Size([2, 6, 24, 23])
    """
    K, bias = layer.weight, layer.bias
    padding = cast(tuple[int, int], layer.padding)
    sides = zip(X.shape[2:], padding, layer.kernel_size, strict=True)
    if any((size + 2 * p - k) % 2 == 0 for size, p, k in sides):
        return convolve(layer, X)
    windows, biases = (
        _in_each_corner(K),
        None if bias is None else torch.cat([bias] * 4),
    )
    Y = F.conv2d(X, windows, biases, 2, padding)  # (N, 4·c_o, H', W')

    def back(G: Tensor, for_X: bool) -> tuple[Tensor | None, Gradients]:
        wanted, G = [for_X, learning(K), learning(bias)], G.flatten(1, 2)
        dX, dK, db = _convolution_back(G, X, windows, (2, 2), padding, wanted)
        if dK is not None:
            dK = _corners(dK.contiguous(), K.shape).sum((0, 1))
        if db is not None:
            db = db.view(4, -1).sum(0)
        return dX, _pairs((K, dK), (bias, db))

    return Y.unflatten(1, (4, -1)), back


def mean_of_corners(pool: nn.Module, X: Tensor) -> tuple[Tensor, Back]:
    """Average the maps that :func:`at_corners` gave; ``pool`` is for those left whole.

    Examples
    --------
    >>> mean_of_corners(nn.AvgPool2d(2), torch.rand(2, 4, 6, 12, 12))[0].shape
    torch.Size([2, 6, 12, 12])
    """
    if X.ndim != 5:
        return halve_maps(pool, X)

    def back(G: Tensor, for_X: bool) -> tuple[Tensor | None, Gradients]:
        # A view: nobody writes the same numbers four times.
        return (G * 0.25)[:, None].expand_as(X), []

    return X.sum(1).mul_(0.25), back


def _in_each_corner(K: Tensor) -> Tensor:
    """Put a kernel into each corner of a window one larger, with zeros around it."""
    c_o, c_i, h, w = K.shape
    windows = K.new_zeros(4 * c_o, c_i, h + 1, w + 1)
    _corners(windows, K.shape).copy_(K)
    return windows


def _corners(windows: Tensor, shape: torch.Size) -> Tensor:
    """View the places that the kernel goes to: (2, 2, c_o, c_i, h, w)."""
    out, in_, row, column = windows.stride()
    down = 2 * shape[0] * out + row  # two blocks of channels on, one row down
    right = shape[0] * out + column
    return windows.as_strided((2, 2, *shape), (down, right, out, in_, row, column))


# -- the other layers ------------------------------------------------------------------


def halve_maps(pool: nn.Module, X: Tensor) -> tuple[Tensor, Back]:
    """Do what average pooling that halves does.

    Examples
    --------
    >>> halve_maps(nn.AvgPool2d(2), torch.arange(8.0).reshape(1, 1, 2, 4))[0]
    tensor([[[[2.5000, 4.5000]]]])
    """
    if not has_blocks(X):
        return as_they_are([pool], X)
    return block_means(X), lambda G, for_X: (shared_out(G), [])


def dense(layer: nn.Linear, X: Tensor) -> tuple[Tensor, Back]:
    """Do what a dense layer does, for matrices by :func:`matrix_product`.

    Takes ``(N, inputs)``; inputs with other axes go the ordinary way.

    Examples
    --------
    >>> Y, back = dense(nn.Linear(400, 120), torch.rand(128, 400))
    >>> Y.shape, back(Y, True)[0].shape
    (torch.Size([128, 120]), torch.Size([128, 400]))
    """
    if X.ndim != 2:
        return as_they_are([layer], X)
    W, bias = layer.weight, layer.bias
    Y = matrix_product(X, W.T)
    if bias is not None:
        Y.add_(bias)

    def back(G: Tensor, for_X: bool) -> tuple[Tensor | None, Gradients]:
        dX = matrix_product(G, W) if for_X else None
        dW = matrix_product(G.T, X) if learning(W) else None
        db = G.sum(0) if learning(bias) else None
        return dX, _pairs((W, dW), (bias, db))

    return Y, back


def flatten(layer: nn.Flatten, X: Tensor) -> tuple[Tensor, Back]:
    """Join axes, as ``nn.Flatten`` does.

    Examples
    --------
    >>> flatten(nn.Flatten(), torch.rand(2, 16, 5, 5))[0].shape
    torch.Size([2, 400])
    """
    return layer(X), lambda G, for_X: (G.reshape(X.shape), [])


def _sigmoid_back(G: Tensor, Y: Tensor) -> Tensor:
    return torch.ops.aten.sigmoid_backward.grad_input(G, Y, grad_input=Y)


def _tanh_back(G: Tensor, Y: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward.grad_input(G, Y, grad_input=Y)


def _relu_back(G: Tensor, Y: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward.grad_input(G, Y, 0, grad_input=Y)


# Functions whose slope the output tells, so that the input may be overwritten.
TOLD_BY_OUTPUT: dict[type, tuple[Callable[..., Tensor], Callable[..., Tensor]]] = {
    nn.Sigmoid: (torch.sigmoid_, _sigmoid_back),
    nn.Tanh: (torch.tanh_, _tanh_back),
    nn.ReLU: (torch.relu_, _relu_back),
}


def in_place(pointwise: nn.Module, X: Tensor) -> tuple[Tensor, Back]:
    """Apply a function of ``TOLD_BY_OUTPUT`` to each number where it lies.

    On the way back the gradient takes the place of the output: by then the next layer,
    which may have kept it, is done.

    Examples
    --------
    >>> Y, back = in_place(nn.ReLU(), torch.tensor([-1.0, 2.0]))
    >>> Y
    tensor([0., 2.])
    >>> back(torch.tensor([3.0, 3.0]), True)[0] is Y, Y
    (True, tensor([0., 3.]))
    """
    forth, slope = TOLD_BY_OUTPUT[type(pointwise)]
    Y = forth(X)
    return Y, lambda G, for_X: (slope(G, Y), [])
