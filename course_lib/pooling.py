"""Pooling: the largest or the mean number in each window, as loops and unfolded.

The window moves by one, without padding, and has nothing to learn. For strides, padding
and batches use ``torch.nn.MaxPool2d`` and ``torch.nn.AvgPool2d``.
"""

from jaxtyping import Num
from torch import Tensor

from course_lib.convolution import image_tensor, window_size


def pool2d(
    X: Num[Tensor, "H W"],
    pool_size: int | tuple[int, int],
    mode: str = "max",
) -> Num[Tensor, "H_out W_out"]:
    """Take the largest (``"max"``) or the mean (``"avg"``) number in each window.

    NaN wins over every number. Where several numbers of a window are the largest, they
    share the gradient equally. Introduced in :doc:`/book/pooling`.

    Parameters
    ----------
    X
        One channel of an image.
    pool_size
        The window's ``(height, width)``, or one number for a square one; no larger than
        the image.
    mode
        ``"max"`` for any real type, ``"avg"`` for floating-point and complex ones: the
        mean of integers is not an integer, and rounding is for you to choose.

    Returns
    -------
    Tensor
        Shape ``(H - height + 1, W - width + 1)``, type and device of X.

    Raises
    ------
    ValueError
        When X is not of rank 2, the window does not fit, a side is less than 1, or the
        mode is unknown.
    TypeError
        When X is not a tensor of numbers, the mode cannot work on its type, or
        ``pool_size`` is not made of whole numbers.

    Examples
    --------
    >>> import torch
    >>> X = torch.arange(9.0).reshape(3, 3)
    >>> pool2d(X, (2, 2))
    tensor([[4., 5.],
            [7., 8.]])
    >>> pool2d(X, (2, 2), mode="avg")
    tensor([[2., 3.],
            [5., 6.]])
    """
    p_h, p_w = _checked("pool2d", X, pool_size, mode)
    Y = X.new_zeros(X.shape[0] - p_h + 1, X.shape[1] - p_w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            if mode == "max":
                Y[i, j] = X[i : i + p_h, j : j + p_w].max()
            elif mode == "avg":
                Y[i, j] = X[i : i + p_h, j : j + p_w].mean()
    return Y


def pool2d_unfolded(
    X: Num[Tensor, "H W"],
    pool_size: int | tuple[int, int],
    mode: str = "max",
) -> Num[Tensor, "H_out W_out"]:
    """Do what :func:`pool2d` does on all windows at once, first down, then across.

    The largest of the columns' largest numbers is the largest of all, and the mean of
    means over equally many numbers is the mean of all: two short reductions replace a
    long one. Equal largest numbers share the gradient column by column. Introduced in
    :doc:`/book/pooling`.

    Examples
    --------
    >>> import torch
    >>> X = torch.rand(28, 28)
    >>> torch.equal(pool2d_unfolded(X, 2), pool2d(X, 2))
    True
    """
    p_h, p_w = _checked("pool2d_unfolded", X, pool_size, mode)
    if mode == "max":
        columns = X.unfold(0, p_h, 1).amax(-1)  # (H', W)
        return columns.unfold(1, p_w, 1).amax(-1)  # (H', W')
    columns = X.unfold(0, p_h, 1).mean(-1)  # (H', W)
    return columns.unfold(1, p_w, 1).mean(-1)  # (H', W')


def _checked(name: str, X: object, pool_size: object, mode: object) -> tuple[int, int]:
    """Refuse what cannot be pooled; spell the window's size out."""
    image = image_tensor(name, "X", X, ("H", "W"))
    p_h, p_w = window_size(name, "pool_size", pool_size)
    if image.shape[0] < p_h or image.shape[1] < p_w:
        raise ValueError(
            f"{name}: the window must fit into the image; got pool_size {(p_h, p_w)} "
            f"and X {tuple(image.shape)}"
        )
    if mode not in ("max", "avg"):
        raise ValueError(f"{name}: mode must be 'max' or 'avg'; got {mode!r}")
    if mode == "avg" and not (image.is_floating_point() or image.is_complex()):
        raise TypeError(
            f"{name}: the mean of {image.dtype} numbers is not a whole number; average "
            "X.float() instead"
        )
    if mode == "max" and image.is_complex():
        raise TypeError(
            f"{name}: complex numbers have no largest; got {image.dtype}; pool X.abs() "
            "instead"
        )
    return p_h, p_w
