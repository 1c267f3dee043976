"""A matrix as tinted cells with their numbers."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_lib.plotting._canvas import (
    CELL,
    Numbers,
    as_matrix,
    canvas,
    caption,
    grid,
    outline,
)
from course_lib.plotting.images import place
from course_lib.plotting.theme import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def heatmap(
    values: Numbers,
    ax: "Axes | None" = None,
    *,
    kind: str = "input",
    signed: bool = False,
    annotate: bool | None = None,
    title: str | None = None,
    highlight: tuple[int, int, int, int] | None = None,
) -> "Axes":
    """Draw a matrix as tinted cells with their numbers.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    values
        Shape ``(H, W)``.
    ax
        Axes to draw into, else a new figure's.
    kind
        ``"input"``, ``"kernel"`` or ``"output"`` for the tint, darker for larger
        magnitudes; ``"grey"`` for an image from 0 (black) to 1 (white).
    signed
        Blue above zero and orange below, instead of the tint of ``kind``.
    annotate
        Print the numbers; None does so up to 400 cells.
    title
        A caption below.
    highlight
        Frame the cells ``(row, column, height, width)``.

    Raises
    ------
    ValueError
        For an unknown ``kind``, or values that are no matrix.

    Examples
    --------
    >>> ax = heatmap([[1, -1]], kind="kernel", title="K")
    >>> [text.get_text() for text in ax.texts]
    ['1', '−1', 'K']
    """
    if kind not in ("input", "kernel", "output", "grey"):
        raise ValueError(
            f"kind must be 'input', 'kernel', 'output' or 'grey', got {kind!r}"
        )
    matrix = as_matrix(values)
    if annotate is None:
        annotate = matrix.numel() <= 400
    rows, cols = matrix.shape
    below = 0.8 if title else 0.0
    cell = CELL if annotate else min(CELL, 5.0 / max(rows, cols))
    ax = canvas(ax, cols, rows + below, cell)
    with style():
        if matrix.numel() > 400 and not annotate:
            place(ax, _tints(matrix, kind, signed), (0, 0, cols, rows), signed)
        else:
            grid(ax, matrix, kind=kind, signed=signed, annotate=annotate)
        if highlight is not None:
            row, column, height, width = highlight
            outline(ax, column, row, width, height, "accent")
        if title:
            caption(ax, cols / 2, rows + 0.5, title)
    return ax


def _tints(matrix: Tensor, kind: str, signed: bool) -> Tensor:
    """Make a picture of a matrix with too many cells to be drawn one by one."""
    if signed or kind == "grey":
        return matrix.float()
    strength = matrix.float().abs()
    strength = strength / strength.max().clamp_min(1e-12)
    rgb = torch.tensor([int(COLOURS[kind][i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return torch.cat([rgb.expand(*matrix.shape, 3), strength[..., None]], dim=-1)
