"""What a kernel does: its windows on an input, their sums, and pixels' use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.geometry import output_shape, pixel_use_2d, unused
from course_lib.plotting._canvas import (
    Numbers,
    as_matrix,
    canvas,
    caption,
    cell_text,
    grid,
    hairlines,
    number,
    outline,
    rectangle,
)
from course_lib.plotting.grids import heatmap
from course_lib.plotting.theme import COLOURS, Real, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_cross_correlation(
    X: Numbers,
    K: Numbers,
    at: tuple[int, int] = (0, 0),
    *,
    signed: bool = False,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw input, kernel and output, one window highlighted and its sum written out.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    X, K
        Input and kernel, matrices.
    at
        Row and column of the output whose window is highlighted.
    signed
        Blue above zero and orange below, in place of the three colours.
    ax
        Axes to draw into, else a new figure's.

    Raises
    ------
    ValueError
        When the kernel does not fit, or the output has no position ``at``.

    Examples
    --------
    >>> X, K = torch.arange(9).reshape(3, 3), torch.arange(4).reshape(2, 2)
    >>> draw_cross_correlation(X, K).texts[-1].get_text()
    '0·0 + 1·1 + 3·2 + 4·3 = 19'
    """
    X, K = as_matrix(X, "X"), as_matrix(K, "K")
    (rows, cols), (k_h, k_w) = X.shape, K.shape
    o_h, o_w = output_shape((rows, cols), (k_h, k_w))
    i, j = _inside(at, (o_h, o_w))
    Y = (X.unfold(0, k_h, 1).unfold(1, k_w, 1) * K).sum((-2, -1))  # (o_h, o_w)
    height = max(rows, k_h, o_h)
    x_k, x_y = cols + 1.4, cols + 1.4 + k_w + 1.4
    window = X[i : i + k_h, j : j + k_w]
    terms = _sum_in_words(window, K, float(Y[i, j]))
    below = 1.6 if terms else 0.9
    ax = canvas(ax, x_y + o_w, height + below)
    with style():
        parts = [(X, 0.0, "input"), (K, x_k, "kernel"), (Y, x_y, "output")]
        for values, x, kind in parts:
            top = (height - values.shape[0]) / 2
            grid(ax, values, x, top, kind=kind, signed=signed)
            caption(ax, x + values.shape[1] / 2, height + 0.5, kind, kind)
        outline(ax, j, (height - rows) / 2 + i, k_w, k_h, "kernel")
        outline(ax, x_y + j, (height - o_h) / 2 + i, 1, 1, "output")
        for x, sign in ((cols + 0.7, "⋆"), (x_y - 0.7, "=")):
            ax.text(x, height / 2, sign, ha="center", va="center", fontsize=15)
        if terms:
            caption(ax, (x_y + o_w) / 2, height + 1.25, terms, "ink")
    return ax


def _sum_in_words(window: Tensor, K: Tensor, total: Real) -> str:
    """Write out the products of one window, if they are few enough to be read."""
    pairs = list(zip(window.flatten().tolist(), K.flatten().tolist(), strict=True))
    if len(pairs) > 6:
        return ""
    whole = all(a == round(a) for pair in pairs for a in pair)
    products = []
    for a, b in pairs:
        left, right = number(a, whole), number(b, whole)
        products.append(f"{left}·({right})" if b < 0 else f"{left}·{right}")
    return f"{' + '.join(products)} = {number(total, whole)}"


def _inside(at: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    i, j = at
    if not (0 <= i < size[0] and 0 <= j < size[1]):
        raise ValueError(
            f"at={at} is outside the output of {size[0]} x {size[1]}; rows go from 0 "
            f"to {size[0] - 1}, columns from 0 to {size[1] - 1}"
        )
    return i, j


Pair = int | tuple[int, int]


def pair(value: Any) -> tuple[Any, Any]:
    """Read one value for both axes, or one for each."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def sides(padding: Any) -> tuple[int, int]:
    """Read the padding of one axis: the same on both sides, or before and after."""
    return (padding, padding) if isinstance(padding, int) else (padding[0], padding[1])


def draw_padding_stride(
    size: Pair,
    kernel_size: Pair,
    *,
    padding: Any = 0,
    stride: Pair = 1,
    dilation: Pair = 1,
    at: tuple[int, int] = (0, 0),
    values: Numbers | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a padded input, the windows that a stride visits, and the output's size.

    Padding is hatched. The window of output position ``at`` is tinted, a dot marks the
    upper left corner of every window, and rows or columns that no window reaches are
    crossed out.

    Introduced in :doc:`/book/padding-and-stride`.

    Parameters
    ----------
    size, kernel_size, padding, stride, dilation
        As :func:`course_lib.geometry.output_shape` takes them.
    at
        Row and column of the output.
    values
        Numbers to print into the input, of that ``size``.
    ax
        Axes to draw into, else a new figure's.

    Raises
    ------
    ValueError
        When no window fits, the output has no position ``at``, or ``values`` has
        another size.

    Examples
    --------
    >>> ax = draw_padding_stride((3, 3), (2, 2), padding=1, stride=(3, 2))
    >>> ax.texts[-1].get_text()
    'output 2 × 2'
    """
    sizes, kernel = pair(size), pair(kernel_size)
    strides, dilations = pair(stride), pair(dilation)
    pads = [sides(p) for p in pair(padding)]
    o_h, o_w = output_shape(
        sizes, kernel, padding=(pads[0], pads[1]), stride=strides, dilation=dilations
    )
    i, j = _inside(at, (o_h, o_w))
    rows, cols = (n + sum(p) for n, p in zip(sizes, pads, strict=True))
    numbers = None
    if values is not None:
        numbers = as_matrix(values)
        if tuple(numbers.shape) != sizes:
            raise ValueError(
                f"values must have the input's size {sizes}; got {tuple(numbers.shape)}"
            )
    x_y = cols + 1.8
    height = max(rows, o_h)
    ax = canvas(ax, x_y + o_w, height + 0.9)
    with style():
        top = (height - rows) / 2
        _padded_input(ax, sizes, pads, top, numbers)
        lost = [
            unused(n, k, padding=p, stride=s, dilation=d)
            for n, k, p, s, d in zip(
                sizes, kernel, pads, strides, dilations, strict=True
            )
        ]
        _cross_out(ax, (rows, cols), lost, top)
        _windows(ax, (o_h, o_w), strides, top)
        for a in range(kernel[0]):
            for b in range(kernel[1]):
                y = top + i * strides[0] + a * dilations[0]
                x = j * strides[1] + b * dilations[1]
                rectangle(ax, x, y, 1, 1, fc=COLOURS["kernel"], alpha=0.35, ec="none")
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        outline(ax, j * strides[1], top + i * strides[0], reach[1], reach[0], "kernel")
        y_top = (height - o_h) / 2
        grid(
            ax,
            torch.ones(o_h, o_w),
            x_y,
            y_top,
            kind="output",
            annotate=False,
            even=0.25,
        )
        outline(ax, x_y + j, y_top + i, 1, 1, "output")
        ax.annotate(
            "",
            (x_y - 0.35, height / 2),
            (cols + 0.35, height / 2),
            arrowprops={"arrowstyle": "->", "color": COLOURS["muted"], "lw": 1.2},
        )
        named = f"input {sizes[0]} × {sizes[1]}"
        if (rows, cols) != sizes:
            named += f", padded {rows} × {cols}"
        caption(ax, cols / 2, height + 0.5, named, "input")
        caption(ax, x_y + o_w / 2, height + 0.5, f"output {o_h} × {o_w}", "output")
    return ax


def _padded_input(
    ax: "Axes",
    size: tuple[int, int],
    pads: Sequence[tuple[int, int]],
    top: Real,
    numbers: Tensor | None,
) -> None:
    """Draw the cells of an input, blue, and of its padding, hatched."""
    (above, under), (left, right) = pads
    rows, cols = size[0] + above + under, size[1] + left + right
    if (rows, cols) != size:
        rectangle(ax, 0, top, cols, rows, fc="none", ec=COLOURS["pad"], hatch="////")
    rectangle(ax, left, top + above, size[1], size[0], fc=COLOURS["panel"], ec="none")
    rectangle(
        ax,
        left,
        top + above,
        size[1],
        size[0],
        fc=COLOURS["input"],
        alpha=0.22,
        ec="none",
    )
    hairlines(ax, 0, top, rows, cols, "pad")
    if numbers is None:
        return
    whole = bool((numbers == numbers.round()).all())
    for i, row in enumerate(numbers.tolist()):
        for j, value in enumerate(row):
            corner = (j + left, top + i + above)
            cell_text(ax, *corner, value, whole, COLOURS["ink"])


def _cross_out(
    ax: "Axes", size: tuple[int, int], lost: Sequence[int], top: float
) -> None:
    """Strike through the last rows and columns, which no window reaches."""
    rows, cols = size
    line: Any = {"color": COLOURS["muted"], "lw": 1.4, "ls": ":", "zorder": 4}
    for i in range(rows - lost[0], rows):
        ax.plot([0, cols], [top + i + 0.5] * 2, **line)
    for j in range(cols - lost[1], cols):
        ax.plot([j + 0.5] * 2, [top, top + rows], **line)


def _windows(
    ax: "Axes", windows: tuple[int, int], strides: tuple[int, int], top: float
) -> None:
    """Mark the upper left corner of every window."""
    ys = [
        top + i * strides[0] + 0.2 for i in range(windows[0]) for _ in range(windows[1])
    ]
    xs = [j * strides[1] + 0.2 for _ in range(windows[0]) for j in range(windows[1])]
    ax.plot(xs, ys, ls="", marker="o", ms=3.5, color=COLOURS["kernel"], zorder=5)


def draw_pixel_use(
    size: Pair,
    kernel_size: Pair,
    *,
    padding: Any = 0,
    stride: Pair = 1,
    dilation: Pair = 1,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw how many windows use each pixel of an input.

    Introduced in :doc:`/book/padding-and-stride`.

    Parameters
    ----------
    size, kernel_size, padding, stride, dilation
        As :func:`course_lib.geometry.pixel_use_2d` takes them.
    ax
        Axes to draw into, else a new figure's.

    Examples
    --------
    >>> [text.get_text() for text in draw_pixel_use((2, 3), (1, 2)).texts]
    ['1', '2', '1', '1', '2', '1']
    """
    counts = pixel_use_2d(
        size, kernel_size, padding=padding, stride=stride, dilation=dilation
    )
    return heatmap(counts, ax)
