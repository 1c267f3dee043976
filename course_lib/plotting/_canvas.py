"""Cells, frames and captions: what the course's drawings are put together from.

A canvas counts in cells, y pointing down, so that row i and column j of a matrix lie at
(x + j, y + i). Tints, frames and numbers look the same in every figure.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.plotting.theme import COLOURS, Real, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Numbers = Tensor | Sequence[Any]

CELL = 0.42  # inches per cell of a drawn grid
ANNOTATED = 0.42  # strongest tint under a number that stays readable in both themes
SIGNS = ("kernel", "input")  # the colours of negative and of positive values


def canvas(ax: "Axes | None", width: Real, height: Real, cell: Real = CELL) -> "Axes":
    """Prepare axes for a drawing of ``width`` by ``height`` units, y pointing down."""
    if ax is None:
        from matplotlib.figure import Figure

        with style():
            fig = Figure(figsize=(width * cell + 0.1, height * cell + 0.1))
            ax = fig.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set_axis_off()
    ax.set_xlim(-0.06, width + 0.06)
    ax.set_ylim(height + 0.06, -0.06)
    ax.set_aspect("equal")
    return ax


def as_matrix(values: Any, name: str = "values") -> Tensor:
    """Read numbers as float64 ``(H, W)``."""
    matrix = torch.as_tensor(values).detach().cpu()
    if matrix.ndim != 2 or matrix.numel() == 0:
        raise ValueError(
            f"{name} must be a matrix with at least one number; got shape "
            f"{tuple(matrix.shape)}"
        )
    return matrix.double()


def number(value: Real, whole: bool) -> str:
    """Write a number as short as a cell needs it, with a true minus sign."""
    if not math.isfinite(value):
        text = str(value)
    elif whole:
        text = f"{value:.0f}"
    else:
        text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    if not text.strip("-0."):
        text = text.removeprefix("-")  # a small negative number rounds to plain 0
    return text.replace("-", "−")


def _tint(
    value: Real, largest: Real, kind: str, signed: bool, strongest: float
) -> tuple[str, Real]:
    """Colour and opacity of a cell."""
    strength = abs(value) / largest if largest and math.isfinite(value) else 0.0
    if signed:
        return COLOURS[SIGNS[value >= 0]], strongest * strength
    return COLOURS[kind], 0.08 + (strongest - 0.08) * strength


def grid(
    ax: "Axes",
    values: Tensor,
    x: Real = 0.0,
    y: Real = 0.0,
    *,
    kind: str = "input",
    signed: bool = False,
    annotate: bool = True,
    even: Real | None = None,
) -> None:
    """Draw a matrix as cells of side 1 with its upper left corner at (x, y).

    With ``even`` all cells have this one opacity, whatever their values.
    """
    rows, cols = values.shape
    finite = values[values.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    whole = bool((finite == finite.round()).all())
    strongest = ANNOTATED if annotate else 1.0
    rectangle(ax, x, y, cols, rows, fc=COLOURS["panel"], ec="none")
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            if kind == "grey":
                level = min(max(value, 0.0), 1.0) * 0.98 + 0.01  # pure black is the ink
                colour, alpha, ink = str(level), 1.0, "#f8f8f8"
                if level > 0.5:
                    ink = "#101010"
            else:
                colour, alpha = _tint(value, largest, kind, signed, strongest)
                ink = COLOURS["ink"]
            if even is not None:
                alpha = even
            if alpha > 0:
                rectangle(ax, x + j, y + i, 1, 1, fc=colour, alpha=alpha, ec="none")
            if annotate:
                cell_text(ax, x + j, y + i, value, whole, ink)
    hairlines(ax, x, y, rows, cols, "line" if even is None else "pad")


def rectangle(ax: "Axes", x: Real, y: Real, w: Real, h: Real, **options: Any) -> None:
    """Add a rectangle that may reach over the edge of the axes."""
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, y), w, h, clip_on=False, **options))


def cell_text(ax: "Axes", x: Real, y: Real, value: Real, whole: bool, ink: str) -> None:
    """Print a number into the cell whose upper left corner is (x, y)."""
    ax.text(
        x + 0.5,
        y + 0.52,
        number(value, whole),
        ha="center",
        va="center",
        family="DejaVu Sans Mono",
        fontsize=9.5 if whole else 7.5,
        color=ink,
        zorder=5,
    )


def hairlines(
    ax: "Axes", x: Real, y: Real, rows: int, cols: int, colour: str = "line"
) -> None:
    """Draw the hairlines between and around cells as one path."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points, codes = [], []
    across = [((x, y + i), (x + cols, y + i)) for i in range(rows + 1)]
    down = [((x + j, y), (x + j, y + rows)) for j in range(cols + 1)]
    for start, end in across + down:
        points += [start, end]
        codes += [Path.MOVETO, Path.LINETO]
    ax.add_patch(
        PathPatch(
            Path(points, codes), fill=False, ec=COLOURS[colour], lw=0.8, clip_on=False
        )
    )


def outline(ax: "Axes", x: Real, y: Real, w: Real, h: Real, colour: str) -> None:
    """Draw a strong frame around cells."""
    rectangle(ax, x, y, w, h, fill=False, ec=COLOURS[colour], lw=2.2, zorder=4)


def caption(ax: "Axes", x: Real, y: Real, text: str, colour: str = "muted") -> None:
    """Write a short line centred on (x, y)."""
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5, color=COLOURS[colour])
