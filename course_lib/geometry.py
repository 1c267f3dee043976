"""Sizes, receptive fields and pixel use: the integer arithmetic of sliding windows.

Nothing here knows tensors. Every function works on one axis; the ``_2d`` and ``shape``
forms join two. Padding is written as torch writes it, *per side*: ``padding=1`` adds
one position before and one after. Where a formula speaks of the total p of both sides,
:func:`split_total` shares it out. The relations are those of V. Dumoulin and F. Visin,
*A guide to convolution arithmetic for deep learning*, 2016 (arXiv:1603.07285).

>>> output_shape((28, 28), 5, padding=2), output_shape((28, 28), 2, stride=2)
((28, 28), (14, 14))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import TypeAlias

Padding: TypeAlias = int | tuple[int, int]
Pair: TypeAlias = int | tuple[int, int]
PaddingPair: TypeAlias = int | tuple[Padding, Padding]


def output_size(
    n: int,
    k: int,
    *,
    padding: Padding = 0,
    stride: int = 1,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Count the windows that fit along one axis: ⌊(n + p - span) / stride⌋ + 1.

    Introduced in :doc:`/book/padding-and-stride`.

    Parameters
    ----------
    n
        Input positions along the axis, at least 1.
    k
        Kernel positions along the axis, at least 1.
    padding
        Positions added per side, or a pair ``(before, after)``. Never negative. The p
        of the formula is their sum.
    stride, dilation
        Steps between windows and between the taps of one window, at least 1.
    ceil_mode
        Round up instead of down, as torch's pooling layers can. By torch's rule the
        last window must still start inside the image or the padding before it.

    Returns
    -------
    int
        The number of windows, at least 1.

    Raises
    ------
    ValueError
        When not even one window fits, or an argument is out of range.
    TypeError
        When an argument is not a whole number.

    Examples
    --------
    >>> output_size(8, 3, padding=1)
    8
    >>> output_size(8, 3, stride=2), output_size(8, 3, stride=2, ceil_mode=True)
    (3, 4)
    """
    n, k, before, after, stride, dilation = _checked(n, k, padding, stride, dilation)
    room = n + before + after - span(k, dilation)
    if not ceil_mode:
        windows = room // stride + 1
    else:
        windows = -(-room // stride) + 1
        if (windows - 1) * stride >= n + before:
            windows -= 1  # it would start in the padding behind the image
    if windows < 1:
        raise ValueError(_nothing_fits(n, k, before, after, dilation))
    return windows


def output_shape(
    size: Pair,
    kernel_size: Pair,
    *,
    padding: PaddingPair = 0,
    stride: Pair = 1,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> tuple[int, int]:
    """Give the (height, width) that a convolution or pooling layer puts out.

    Introduced in :doc:`/book/padding-and-stride`.

    Parameters
    ----------
    size
        Input ``(height, width)``; one number stands for a square.
    kernel_size, stride, dilation
        Spelled as for ``torch.nn.Conv2d``: one number for both axes or
        ``(along the height, along the width)``.
    padding
        Per side: one number, ``(p_h, p_w)``, or, beyond torch's spelling,
        ``((top, bottom), (left, right))``.
    ceil_mode
        As for :func:`output_size`.

    Raises
    ------
    ValueError
        When no window fits along an axis (the message names it), or an argument is out
        of range.
    TypeError
        When an argument is neither a whole number nor a pair of them.

    Examples
    --------
    >>> output_shape((8, 8), (3, 5), padding=(0, 1), stride=(3, 4))
    (2, 2)
    >>> output_shape((6, 8), 2, padding=((1, 0), (1, 0)))  # top and left only
    (6, 8)
    """
    axes = _two_axes(size, kernel_size, padding, stride, dilation)
    shape = []
    for name, (n, k, p, s, d) in zip(("height", "width"), axes, strict=True):
        try:
            shape.append(
                output_size(n, k, padding=p, stride=s, dilation=d, ceil_mode=ceil_mode)
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None
    return shape[0], shape[1]


def span(k: int, dilation: int = 1) -> int:
    """Give the positions from the first tap of a dilated kernel to its last, both in.

    Introduced in :doc:`/book/padding-and-stride`.

    Parameters
    ----------
    k, dilation
        Taps of the kernel and the step between them, at least 1.

    Raises
    ------
    ValueError, TypeError
        When ``k`` or ``dilation`` is not a whole number of at least 1.

    Examples
    --------
    >>> span(3), span(3, dilation=2)
    (3, 5)
    """
    k, dilation = _whole("k", k, 1), _whole("dilation", dilation, 1)
    return dilation * (k - 1) + 1


def same_padding(k: int, dilation: int = 1) -> tuple[int, int]:
    """Give the padding ``(before, after)`` that keeps the size at stride 1.

    Its total is ``span(k, dilation) - 1``. For an odd total (an even kernel without
    dilation) the larger half comes first. That is a convention: torch's
    ``padding="same"`` puts it last. Introduced in :doc:`/book/padding-and-stride`.

    Raises
    ------
    ValueError, TypeError
        When ``k`` or ``dilation`` is not a whole number of at least 1.

    Examples
    --------
    >>> same_padding(5), same_padding(2)
    ((2, 2), (1, 0))
    """
    return split_total(span(k, dilation) - 1)


def split_total(total: int) -> tuple[int, int]:
    """Share a total padding out: ``(⌈total / 2⌉ before, ⌊total / 2⌋ after)``.

    Introduced in :doc:`/book/padding-and-stride`.

    Raises
    ------
    ValueError, TypeError
        When ``total`` is negative or not a whole number.

    Examples
    --------
    >>> split_total(4), split_total(3)
    ((2, 2), (2, 1))
    """
    total = _whole("total", total, 0)
    return total - total // 2, total // 2


def unused(
    n: int, k: int, *, padding: Padding = 0, stride: int = 1, dilation: int = 1
) -> int:
    """Count the padded positions at the end that no window reaches.

    They are what the floor of :func:`output_size` drops: at least 0, at most
    ``stride - 1``. Parameters and errors are those of :func:`output_size`. Introduced
    in :doc:`/book/padding-and-stride`.

    Examples
    --------
    >>> unused(8, 3, stride=2)  # windows cover positions 0-2, 2-4, 4-6; 7 is left
    1
    """
    windows = output_size(n, k, padding=padding, stride=stride, dilation=dilation)
    before, after = _sides(padding)
    return n + before + after - (windows - 1) * stride - span(k, dilation)


def pixel_use(
    n: int, k: int, *, padding: Padding = 0, stride: int = 1, dilation: int = 1
) -> list[int]:
    """Count how many windows use each of the n pixels along one axis.

    Parameters and errors are those of :func:`output_size`. Introduced in
    :doc:`/book/padding-and-stride`.

    Returns
    -------
    list of int
        n counts. They are all equal to ``k`` at stride 1 only with full padding,
        ``span(k, dilation) - 1`` per side.

    Examples
    --------
    >>> pixel_use(5, 3), pixel_use(5, 3, padding=1), pixel_use(5, 3, padding=2)
    ([1, 2, 3, 2, 1], [2, 3, 3, 3, 2], [3, 3, 3, 3, 3])
    """
    windows = output_size(n, k, padding=padding, stride=stride, dilation=dilation)
    before, _ = _sides(padding)
    counts = [0] * n
    for window in range(windows):
        for tap in range(k):
            pixel = window * stride + tap * dilation - before
            if 0 <= pixel < n:
                counts[pixel] += 1
    return counts


def pixel_use_2d(
    size: Pair,
    kernel_size: Pair,
    *,
    padding: PaddingPair = 0,
    stride: Pair = 1,
    dilation: Pair = 1,
) -> list[list[int]]:
    """Count how many windows use each pixel of an image.

    A window covers a pixel when it covers its row and its column, so the counts are the
    products of the two axes' counts. Parameters and errors are those of
    :func:`output_shape`. Introduced in :doc:`/book/padding-and-stride`.

    Returns
    -------
    list of list of int
        One list per row of the image.

    Examples
    --------
    >>> pixel_use_2d((3, 3), 3, padding=1)  # corners 4, edges 6, the centre 9
    [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    """
    output_shape(size, kernel_size, padding=padding, stride=stride, dilation=dilation)
    rows, columns = (
        pixel_use(n, k, padding=p, stride=s, dilation=d)
        for n, k, p, s, d in _two_axes(size, kernel_size, padding, stride, dilation)
    )
    return [[row * column for column in columns] for row in rows]


@dataclass(frozen=True)
class Window:
    """One axis of one layer in a stack: what :func:`receptive_field` needs of it.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    kernel_size, stride, dilation
        At least 1.
    padding
        Per side, or a pair ``(before, after)``; never negative.

    Raises
    ------
    ValueError, TypeError
        As :func:`output_size` raises them.

    Examples
    --------
    >>> Window(5, padding=2)
    Window(kernel_size=5, stride=1, padding=2, dilation=1)
    """

    kernel_size: int
    stride: int = 1
    padding: Padding = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        _whole("kernel_size", self.kernel_size, 1)
        _whole("stride", self.stride, 1)
        _whole("dilation", self.dilation, 1)
        _sides(self.padding)


@dataclass(frozen=True)
class ReceptiveField:
    """The input positions, along one axis, that units of a layer depend on.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    size
        Positions from the first that a unit sees to the last, both in. With dilation
        some in between may not count.
    stride
        How far the field moves in the input from one unit to the next.
    start
        First position seen by unit 0; negative where it begins in the padding.

    Examples
    --------
    >>> ReceptiveField(size=5, stride=2, start=-1).interval(0)
    (-1, 3)
    """

    size: int
    stride: int
    start: int

    def interval(self, i: int) -> tuple[int, int]:
        """Give the first and last input position that unit ``i`` sees.

        Both may lie outside the image, in the padding.

        Raises
        ------
        ValueError, TypeError
            When ``i`` is negative or not a whole number.
        """
        first = self.start + _whole("i", i, 0) * self.stride
        return first, first + self.size - 1


def receptive_field(stack: Sequence[Window]) -> ReceptiveField:
    """Give the receptive field of a unit behind a stack of windows, first layer first.

    An empty stack is the input itself: each position sees only itself. Introduced in
    :doc:`/book/image-convolution`.

    Raises
    ------
    TypeError
        When an element of the stack is not a :class:`Window`.

    Examples
    --------
    >>> receptive_field([Window(2), Window(2)])
    ReceptiveField(size=3, stride=1, start=0)
    >>> receptive_field([Window(5, padding=2), Window(2, stride=2)])
    ReceptiveField(size=6, stride=2, start=-2)
    """
    size, stride, start = 1, 1, 0
    for place, window in enumerate(stack):
        if not isinstance(window, Window):
            raise TypeError(
                f"stack[{place}] is {window!r}; each layer must be a Window, "
                "for example Window(kernel_size=3)"
            )
        before, _ = _sides(window.padding)
        start -= before * stride
        size += (span(window.kernel_size, window.dilation) - 1) * stride
        stride *= window.stride
    return ReceptiveField(size, stride, start)


def _checked(
    n: object, k: object, padding: object, stride: object, dilation: object
) -> tuple[int, int, int, int, int, int]:
    """Check one axis and spell it out: n, k, before, after, stride, dilation."""
    return (
        _whole("n", n, 1),
        _whole("k", k, 1),
        *_sides(padding),
        _whole("stride", stride, 1),
        _whole("dilation", dilation, 1),
    )


def _whole(name: str, value: object, least: int) -> int:
    """Return ``value`` as an int, or say why it is none of at least ``least``."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]  # numpy's integers pass
    except TypeError:
        raise TypeError(
            f"{name} must be a whole number; got {value!r} ({type(value).__name__})"
        ) from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}; got {number}")
    return number


def _sides(padding: object) -> tuple[int, int]:
    """Spell the padding of one axis out as (before, after)."""
    if not isinstance(padding, (tuple, list)):
        padding = (padding, padding)
    if len(padding) != 2:
        raise ValueError(
            "padding must be one number per side or a pair (before, after); "
            f"got {padding!r}"
        )
    return _whole("padding", padding[0], 0), _whole("padding", padding[1], 0)


def _two_axes(
    size: Pair, kernel_size: Pair, padding: PaddingPair, stride: Pair, dilation: Pair
) -> list[tuple]:
    """Sort the settings by axis: n, k, padding, stride, dilation of each of the two."""
    settings = (
        _per_axis("size", size),
        _per_axis("kernel_size", kernel_size),
        _per_axis("padding", padding),
        _per_axis("stride", stride),
        _per_axis("dilation", dilation),
    )
    return [*zip(*settings, strict=True)]


def _per_axis(name: str, value: object) -> tuple:
    """Spell a setting of two axes out as (along the height, along the width)."""
    if not isinstance(value, (tuple, list)):
        return value, value
    if len(value) != 2:
        raise ValueError(
            f"{name} must be one number or a pair (height, width); got {value!r}"
        )
    return tuple(value)


def _nothing_fits(n: int, k: int, before: int, after: int, dilation: int) -> str:
    """Say why no window fits, and what would."""
    dilated = f" with dilation {dilation}" if dilation > 1 else ""
    have, need = before + n + after, span(k, dilation)
    return (
        f"no window fits: a kernel of {k}{dilated} spans {need} positions, but the "
        f"padded input has {have} ({before} + {n} + {after}); add {need - have} more "
        f"padding in total or use a kernel that spans at most {have}"
    )
