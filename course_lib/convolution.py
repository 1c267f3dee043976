"""Cross-correlation of images, first as the loops of the formula, then unfolded.

The loops are written to be read: :func:`corr2d` slides one kernel over one channel,
:func:`corr2d_multi_in` sums over input channels, :func:`corr2d_multi_in_out` stacks
output channels. Each has an *unfolded* twin with the same signature and the same checks
that lays all windows out at once and leaves the sum to a matrix product (im2col;
K. Chellapilla, S. Puri and P. Simard, *High performance convolutional neural networks
for document processing*, 2006).

Shapes are annotations. The tests execute them through jaxtyping; outside the tests
nothing is instrumented, and what a reader sees when shapes do not fit are the messages
of this file.

Numbers. The result has torch's promoted type of X and K, so float64 stays float64 and
integer images stay integer; it lies where X and K lie, and gradients reach both.
Integer sums are taken in 64 bits; one that the result's own type cannot hold raises
``OverflowError`` instead of wrapping round.
"""

from numbers import Integral

import torch
from jaxtyping import Num
from torch import Tensor, nn

from course_lib._matrix_product import matrix_product


def corr2d(
    X: Num[Tensor, "H W"], K: Num[Tensor, "k_h k_w"]
) -> Num[Tensor, "H-k_h+1 W-k_w+1"]:
    """Slide a kernel over an image and sum the products: 2-D cross-correlation.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    X
        One channel of an image.
    K
        The kernel, no larger than the image.

    Returns
    -------
    Tensor
        One number per place where the kernel fits, in the promoted type of X and K.

    Raises
    ------
    ValueError
        When a rank is not 2, the kernel is empty or larger than the image (even by
        one), or X and K lie on different devices.
    TypeError
        When X or K is not a tensor of numbers.
    OverflowError
        When an integer result does not fit its type.

    Examples
    --------
    >>> X = torch.arange(9.0).reshape(3, 3)
    >>> K = torch.arange(4.0).reshape(2, 2)
    >>> corr2d(X, K)
    tensor([[19., 25.],
            [37., 43.]])
    """
    _check("corr2d", X, K, ("H", "W"), ("k_h", "k_w"))
    h, w = K.shape
    X, K, dtype = _promoted(X, K)
    Y = X.new_zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
    return _narrowed("corr2d", Y, dtype)


def conv2d_true(
    X: Num[Tensor, "H W"], K: Num[Tensor, "k_h k_w"]
) -> Num[Tensor, "H-k_h+1 W-k_w+1"]:
    """Convolve in the mathematical sense: the kernel is flipped both ways first.

    Shapes, types and errors are those of :func:`corr2d`. Introduced in
    :doc:`/book/image-convolution`.

    Examples
    --------
    >>> X = torch.arange(9.0).reshape(3, 3)
    >>> K = torch.arange(4.0).reshape(2, 2)
    >>> conv2d_true(X, K)
    tensor([[ 5., 11.],
            [23., 29.]])
    """
    _check("conv2d_true", X, K, ("H", "W"), ("k_h", "k_w"))
    return corr2d(X, K.flip(0, 1))


class Conv2D(nn.Module):
    """A convolutional layer with one kernel and one bias, over :func:`corr2d`.

    The weight starts uniform in [0, 1), the bias at 0. Introduced in
    :doc:`/book/image-convolution`.

    Parameters
    ----------
    kernel_size
        ``(height, width)``, or one number for a square kernel.

    Raises
    ------
    ValueError
        When a side is less than 1 or there are not two of them.
    TypeError
        When a side is not a whole number.

    Examples
    --------
    >>> layer = Conv2D(kernel_size=(1, 2))
    >>> layer(torch.ones(6, 8)).shape
    torch.Size([6, 7])
    """

    def __init__(self, kernel_size: int | tuple[int, int]) -> None:
        super().__init__()
        shape = window_size("Conv2D", "kernel_size", kernel_size)
        self.weight = nn.Parameter(torch.rand(shape))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Num[Tensor, "H W"]) -> Num[Tensor, "H_out W_out"]:
        """Cross-correlate one channel of an image with the weight; add the bias."""
        return corr2d(x, self.weight) + self.bias

    def extra_repr(self) -> str:
        """Show the kernel's size in ``print(layer)``."""
        return f"kernel_size={tuple(self.weight.shape)}"


def corr2d_multi_in(
    X: Num[Tensor, "c_i H W"], K: Num[Tensor, "c_i k_h k_w"]
) -> Num[Tensor, "H-k_h+1 W-k_w+1"]:
    """Cross-correlate each input channel with its own kernel and add the results.

    Types are those of :func:`corr2d`. Introduced in :doc:`/book/channels`.

    Raises
    ------
    ValueError
        When X and K have different numbers of channels or none, a rank is not 3, the
        kernel does not fit, or the devices differ.
    TypeError, OverflowError
        As for :func:`corr2d`.

    Examples
    --------
    >>> X = torch.stack([torch.arange(9.0).reshape(3, 3) + c for c in (0, 1)])
    >>> K = torch.stack([torch.arange(4.0).reshape(2, 2) + c for c in (0, 1)])
    >>> corr2d_multi_in(X, K)
    tensor([[ 56.,  72.],
            [104., 120.]])
    """
    _check("corr2d_multi_in", X, K, ("c_i", "H", "W"), ("c_i", "k_h", "k_w"))
    X, K, dtype = _promoted(X, K)
    # strict is a second lock: without the check above, zip would drop channels.
    Y = sum(
        (corr2d(x, k) for x, k in zip(X, K, strict=True)),
        start=X.new_zeros(()),
    )
    return _narrowed("corr2d_multi_in", Y, dtype)


def corr2d_multi_in_out(
    X: Num[Tensor, "c_i H W"], K: Num[Tensor, "c_o c_i k_h k_w"]
) -> Num[Tensor, "c_o H-k_h+1 W-k_w+1"]:
    """Apply one kernel stack per output channel and stack the results.

    Types are those of :func:`corr2d`. Introduced in :doc:`/book/channels`.

    Raises
    ------
    ValueError
        When K's second axis is not X's number of channels, an axis is empty, X is not
        of rank 3 or K not of rank 4, the kernel does not fit, or the devices differ.
    TypeError, OverflowError
        As for :func:`corr2d`.

    Examples
    --------
    >>> corr2d_multi_in_out(torch.ones(3, 8, 8), torch.ones(2, 3, 5, 5)).shape
    torch.Size([2, 4, 4])
    """
    _check("corr2d_multi_in_out", X, K, ("c_i", "H", "W"), ("c_o", "c_i", "k_h", "k_w"))
    X, K, dtype = _promoted(X, K)
    Y = torch.stack([corr2d_multi_in(X, k) for k in K], 0)
    return _narrowed("corr2d_multi_in_out", Y, dtype)


def corr2d_multi_in_out_1x1(
    X: Num[Tensor, "c_i H W"], K: Num[Tensor, "c_o c_i 1 1"]
) -> Num[Tensor, "c_o H W"]:
    """Mix the channels of every pixel by one matrix: a 1×1 convolution.

    Types are those of :func:`corr2d`. Introduced in :doc:`/book/channels`.

    Raises
    ------
    ValueError
        When K's last two axes are not 1, and as for :func:`corr2d_multi_in_out`.
    TypeError, OverflowError
        As for :func:`corr2d`.

    Examples
    --------
    >>> corr2d_multi_in_out_1x1(torch.ones(3, 4, 5), torch.ones(2, 3, 1, 1)).shape
    torch.Size([2, 4, 5])
    """
    _check("corr2d_multi_in_out_1x1", X, K, ("c_i", "H", "W"), ("c_o", "c_i", "1", "1"))
    X, K, dtype = _promoted(X, K)
    c_i, h, w = X.shape
    c_o = K.shape[0]
    X = X.reshape(c_i, h * w)  # (c_i, H·W)
    K = K.reshape(c_o, c_i)  # (c_o, c_i)
    Y = _product(K, X)  # (c_o, H·W)
    return _narrowed("corr2d_multi_in_out_1x1", Y.reshape(c_o, h, w), dtype)


def corr2d_unfolded(
    X: Num[Tensor, "H W"], K: Num[Tensor, "k_h k_w"]
) -> Num[Tensor, "H-k_h+1 W-k_w+1"]:
    """Do what :func:`corr2d` does by one matrix product instead of loops.

    Introduced in :doc:`/book/channels`.

    Examples
    --------
    >>> X, K = torch.rand(28, 28), torch.rand(5, 5)
    >>> torch.allclose(corr2d_unfolded(X, K), corr2d(X, K))
    True
    """
    _check("corr2d_unfolded", X, K, ("H", "W"), ("k_h", "k_w"))
    return _unfolded("corr2d_unfolded", X, K)


def corr2d_multi_in_unfolded(
    X: Num[Tensor, "c_i H W"], K: Num[Tensor, "c_i k_h k_w"]
) -> Num[Tensor, "H-k_h+1 W-k_w+1"]:
    """Do what :func:`corr2d_multi_in` does by one matrix product instead of loops.

    Introduced in :doc:`/book/channels`.

    Examples
    --------
    >>> X, K = torch.rand(3, 8, 8), torch.rand(3, 2, 2)
    >>> torch.allclose(corr2d_multi_in_unfolded(X, K), corr2d_multi_in(X, K))
    True
    """
    _check("corr2d_multi_in_unfolded", X, K, ("c_i", "H", "W"), ("c_i", "k_h", "k_w"))
    return _unfolded("corr2d_multi_in_unfolded", X, K)


def corr2d_multi_in_out_unfolded(
    X: Num[Tensor, "c_i H W"], K: Num[Tensor, "c_o c_i k_h k_w"]
) -> Num[Tensor, "c_o H-k_h+1 W-k_w+1"]:
    """Do what :func:`corr2d_multi_in_out` does by one matrix product.

    Introduced in :doc:`/book/channels`.

    Examples
    --------
    >>> X, K = torch.rand(3, 8, 8), torch.rand(2, 3, 2, 2)
    >>> torch.allclose(corr2d_multi_in_out_unfolded(X, K), corr2d_multi_in_out(X, K))
    True
    """
    name = "corr2d_multi_in_out_unfolded"
    _check(name, X, K, ("c_i", "H", "W"), ("c_o", "c_i", "k_h", "k_w"))
    return _unfolded(name, X, K, K.shape[:1])


# Windows are laid out a strip of rows at a time, so that the strip is still in the
# cache when the product reads it: at most this many numbers (4 MiB of float32).
_STRIP = 2**20


def _unfolded(
    name: str, X: Tensor, K: Tensor, channels: tuple[int, ...] = ()
) -> Tensor:
    """Multiply the matrix of kernels by the matrix of windows."""
    X, K, dtype = _promoted(X, K)
    *_, H, W = X.shape
    *_, h, w = K.shape
    c_i, rows, columns = X.numel() // (H * W), H - h + 1, W - w + 1
    entries = c_i * h * w
    windows = X.contiguous().as_strided(
        (c_i, h, w, rows, columns), (H * W, W, 1, W, 1)
    )  # (c_i, k_h, k_w, H', W'), a view: nothing is copied yet
    K = K.reshape(-1, entries)  # (c_o, c_i·k_h·k_w)
    strip = max(1, _STRIP // (entries * columns))
    if strip >= rows:
        Y = _product(K, windows.reshape(entries, -1))  # (c_o, H'·W')
    elif torch.is_grad_enabled() and (X.requires_grad or K.requires_grad):
        parts = windows.split(strip, 3)
        Y = torch.cat([_product(K, part.reshape(entries, -1)) for part in parts], 1)
    else:
        Y = X.new_empty(len(K), rows * columns)
        # Every strip is laid out in the same place: fetching new memory takes longer.
        place = X.new_empty(entries * strip * columns)
        into = Y.split(strip * columns, 1)
        for part, y in zip(windows.split(strip, 3), into, strict=True):
            strip_of_windows = place[: part.numel()].view(part.shape).copy_(part)
            y.copy_(_product(K, strip_of_windows.view(entries, -1)))
    return _narrowed(name, Y.reshape(*channels, rows, columns), dtype)


def _product(A: Tensor, B: Tensor) -> Tensor:
    """Multiply two matrices, of integers too, for which GPUs have no product."""
    if A.is_floating_point() or A.is_complex():
        return matrix_product(A, B)
    return torch.stack([(row[:, None] * B).sum(0) for row in A])


def _promoted(X: Tensor, K: Tensor) -> tuple[Tensor, Tensor, torch.dtype]:
    """Bring X and K to the type to compute in; give the type of the result too."""
    dtype = X.dtype
    if dtype == K.dtype and dtype.is_floating_point:
        return X, K, dtype
    dtype = torch.result_type(X, K)
    exact = not (dtype.is_floating_point or dtype.is_complex)
    working = torch.int64 if exact else dtype
    return X.to(working), K.to(working), dtype


def _narrowed(name: str, Y: Tensor, dtype: torch.dtype) -> Tensor:
    """Give an integer result its own type, unless a number does not fit."""
    if Y.dtype != torch.int64 or dtype == torch.int64:
        return Y
    limits = torch.iinfo(dtype)
    if not Y.is_meta and (Y.min() < limits.min or Y.max() > limits.max):
        raise OverflowError(
            f"{name}: the result reaches from {Y.min()} to {Y.max()}, which {dtype} "
            "cannot hold; convert first, for example X.to(torch.int64) or X.float()"
        )
    return Y.to(dtype)


def _check(
    name: str,
    X: object,
    K: object,
    image_axes: tuple[str, ...],
    kernel_axes: tuple[str, ...],
) -> None:
    """Refuse an image and a kernel that do not go together, naming both shapes."""
    X = image_tensor(name, "X", X, image_axes)
    K = image_tensor(name, "K", K, kernel_axes)
    image, kernel = X.shape, K.shape
    if X.device != K.device:
        raise ValueError(
            f"{name}: X is on {X.device} and K on {K.device}; move one, for example "
            "K.to(X.device)"
        )
    if 0 in kernel:
        raise ValueError(
            f"{name}: every axis of K needs at least one entry; {_got(X, K)}"
        )
    if len(image) == 3 and image[0] != kernel[-3]:
        raise ValueError(
            f"{name}: X has {image[0]} channels but K is made for {kernel[-3]}; "
            f"{_got(X, K)}, and their c_i must agree"
        )
    if "1" in kernel_axes and kernel[2:] != (1, 1):
        raise ValueError(
            f"{name}: the kernel must be 1×1, of shape (c_o, c_i, 1, 1); {_got(X, K)}; "
            "corr2d_multi_in_out takes larger kernels"
        )
    if image[-2] < kernel[-2] or image[-1] < kernel[-1]:
        raise ValueError(
            f"{name}: the kernel must fit into the image, k_h <= H and k_w <= W; "
            f"{_got(X, K)}"
        )


def _got(X: Tensor, K: Tensor) -> str:
    return f"got X {tuple(X.shape)} and K {tuple(K.shape)}"


def image_tensor(
    name: str, argument: str, value: object, axes: tuple[str, ...]
) -> Tensor:
    """Return ``value`` if it is a tensor of numbers with these axes, else say why not.

    Examples
    --------
    >>> image_tensor("blur", "X", torch.ones(3), ("H", "W"))
    Traceback (most recent call last):
    ValueError: blur: X must have 2 axes, (H, W); got shape (3,) with 1
    """
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name}: {argument} must be a torch tensor of shape ({', '.join(axes)}); "
            f"got {type(value).__name__}; torch.tensor({argument}) makes one"
        )
    if value.dtype == torch.bool:
        raise TypeError(
            f"{name}: {argument} must hold numbers; got torch.bool; "
            f"{argument}.float() or {argument}.to(torch.uint8) makes 0 and 1 of it"
        )
    if value.ndim != len(axes):
        raise ValueError(
            f"{name}: {argument} must have {len(axes)} axes, ({', '.join(axes)}); got "
            f"shape {tuple(value.shape)} with {value.ndim}"
        )
    return value


def window_size(name: str, argument: str, value: object) -> tuple[int, int]:
    """Spell a window's size out as (height, width), or say what is wrong with it.

    Examples
    --------
    >>> window_size("blur", "size", 3)
    (3, 3)
    """
    sides = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    wanted = f"{name}: {argument} must be a whole number or a pair (height, width)"
    if not all(map(is_whole, sides)):
        raise TypeError(f"{wanted}; got {value!r}")
    if len(sides) != 2:
        raise ValueError(f"{wanted}; got {value!r} with {len(sides)} numbers")
    if min(sides) < 1:
        raise ValueError(f"{wanted}, each at least 1; got {value!r}")
    return int(sides[0]), int(sides[1])


def is_whole(number: object) -> bool:
    """Tell whether this is an integer; numpy's are, True and False are not.

    Examples
    --------
    >>> is_whole(3), is_whole(3.0), is_whole(True)
    (True, False, False)
    """
    return isinstance(number, Integral) and not isinstance(number, bool)
