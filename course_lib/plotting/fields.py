"""A stack of layers, unit by unit, and what one of them sees of the input."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.geometry import Window, output_shape, receptive_field
from course_lib.plotting._canvas import canvas, caption
from course_lib.plotting.theme import COLOURS, Real, style
from course_lib.plotting.windows import sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_receptive_field(
    stack: Sequence[Window],
    n: int = 12,
    unit: int | None = None,
    *,
    names: Sequence[str] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one axis of a stack of layers and all that one unit of the last depends on.

    Each layer is a row of units, the input below, each unit above the middle of what it
    sees. Padding is dashed.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    stack
        The layers, first one first; at least one.
    n
        Positions of the input.
    unit
        Index in the last layer; None takes the middle one.
    names
        Names of the rows, the input first.
    ax
        Axes to draw into, else a new figure's.

    Raises
    ------
    ValueError
        When the stack is empty, no window fits, there is no such unit, or there is not
        one name per row.

    Examples
    --------
    >>> from course_lib.geometry import Window
    >>> draw_receptive_field([Window(3), Window(3)], n=8).texts[-1].get_text()
    'receptive field: 5 input positions'
    """
    if not stack:
        raise ValueError("draw_receptive_field needs at least one Window, got none")
    names = names or ["input", *(f"layer {k}" for k in range(1, len(stack) + 1))]
    if len(names) != len(stack) + 1:
        raise ValueError(
            f"names must name the input and {len(stack)} layers, got {len(names)} names"
        )
    sizes = [n]
    for window in stack:
        sizes.append(_units(sizes[-1], window))
    if unit is None:
        unit = (sizes[-1] - 1) // 2
    if not 0 <= unit < sizes[-1]:
        raise ValueError(
            f"unit must be from 0 to {sizes[-1] - 1} in a layer of {sizes[-1]} units, "
            f"got {unit}"
        )
    seen = _dependencies(stack, unit)
    field = receptive_field(stack)
    first, last = field.interval(unit)
    left = min(0, min(seen[0]))
    right = max(n - 1, max(seen[0]))
    with style():
        ax = _field_axes(ax, left, right, len(stack))
        for k, size in enumerate(sizes):
            _field_row(ax, stack[:k], size, seen[k], len(stack) - k)
            label_x = left - 0.9
            ax.text(
                label_x,
                1.5 * (len(stack) - k),
                names[k],
                ha="right",
                va="center",
                fontsize=9.5,
            )
        for k, window in enumerate(stack):
            _field_lines(ax, stack, k, window, seen[k + 1], len(stack))
        bottom = 1.5 * len(stack)
        ax.plot(
            [first - 0.4, last + 0.4],
            [bottom + 0.75] * 2,
            color=COLOURS["input"],
            lw=2.2,
        )
        noun = "position" if field.size == 1 else "positions"
        caption(
            ax,
            (first + last) / 2,
            bottom + 1.15,
            f"receptive field: {field.size} input {noun}",
            "input",
        )
    return ax


def _units(n: int, window: Window) -> int:
    return output_shape(
        (n, 1),
        (window.kernel_size, 1),
        padding=(sides(window.padding), (0, 0)),
        stride=(window.stride, 1),
        dilation=(window.dilation, 1),
    )[0]


def _taps(window: Window, unit: int) -> list[int]:
    """List the units below that ``unit`` reads; negative ones are padding."""
    before, _ = sides(window.padding)
    start = unit * window.stride - before
    return [start + t * window.dilation for t in range(window.kernel_size)]


def _dependencies(stack: Sequence[Window], unit: int) -> list[list[int]]:
    """For each row, the input first, the units that ``unit`` of the last depends on."""
    rows = [[unit]]
    for window in reversed(stack):
        below = {tap for u in rows[0] for tap in _taps(window, u)}
        rows.insert(0, sorted(below))
    return rows


def _centre(below: Sequence[Window], unit: int) -> Real:
    """Find the middle of what a unit sees, in input positions."""
    field = receptive_field(below)
    return field.start + unit * field.stride + (field.size - 1) / 2


def _field_axes(ax: "Axes | None", left: Real, right: Real, layers: int) -> "Axes":
    width, height = right - left + 4.2, 1.5 * layers + 2.0
    ax = canvas(ax, width, height, cell=0.36)
    ax.set_xlim(left - 3.6, right + 0.6)
    ax.set_ylim(height - 0.5, -0.5)
    return ax


def _field_row(
    ax: "Axes", below: Sequence[Window], size: int, seen: Sequence[int], level: int
) -> None:
    """Draw the units of one row, those that count filled."""
    colour = COLOURS["input" if not below else "output" if level == 0 else "kernel"]
    for unit in sorted({*range(size), *seen}):
        inside = 0 <= unit < size
        ax.plot(
            _centre(below, unit),
            1.5 * level,
            marker="o" if inside else "s",
            ms=9 if inside else 7,
            mfc=colour if unit in seen and inside else "none",
            mec=colour if unit in seen else COLOURS["pad"],
            mew=1.4,
            zorder=3,
        )


def _field_lines(
    ax: "Axes",
    stack: Sequence[Window],
    k: int,
    window: Window,
    units: Sequence[int],
    layers: int,
) -> None:
    """Connect the units of row k + 1 that count with those they read in row k."""
    for unit in units:
        top = (_centre(stack[: k + 1], unit), 1.5 * (layers - k - 1))
        for tap in _taps(window, unit):
            bottom = (_centre(stack[:k], tap), 1.5 * (layers - k))
            ax.plot(
                [top[0], bottom[0]],
                [top[1], bottom[1]],
                color=COLOURS["line"],
                lw=1.2,
                ls="-",
                zorder=1,
            )
