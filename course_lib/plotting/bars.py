"""Bars side by side, with the mark that they should reach or stay below."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from course_lib.plotting.theme import COLOURS, Real, style, subplots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR = 0.34  # inches of height per bar


def plot_bars(
    values: Mapping[str, Real],
    ax: "Axes | None" = None,
    *,
    start: Real = 0,
    target: Real | None = None,
    target_label: str = "target",
    highlight: Collection[str] = (),
    labels: Mapping[str, str] | None = None,
    xlabel: str | None = None,
    xscale: str = "linear",
    title: str | None = None,
    figsize: tuple[Real, Real] | None = None,
) -> "Axes":
    """Draw named bars below one another, each with its number at its end.

    Introduced in :doc:`/book/benchmarks`.

    Parameters
    ----------
    values
        Name of each bar to its length, from the top down.
    ax
        Axes to draw into, else a new figure's.
    start
        Where the bars begin: above 0 if ``xscale`` is ``"log"``.
    target, target_label
        A dashed line across all bars, and what stands above it.
    highlight
        Names of the bars that it is about; they are drawn stronger.
    labels
        Name to the text at the bar's end, instead of the number.
    xlabel, xscale, title
        As matplotlib understands them.
    figsize
        Width and height in inches of a new figure; the height follows from the number
        of bars.

    Raises
    ------
    ValueError
        When there is no bar, or a logarithmic axis should hold 0 or less.

    Examples
    --------
    >>> ax = plot_bars({"loop": 2.0, "unfolded": 0.25}, target=0.5, xlabel="ms")
    >>> [text.get_text() for text in ax.texts]
    ['2', '0.25', 'target']
    """
    if not values:
        raise ValueError("plot_bars needs at least one bar; got no values")
    low = min([*values.values(), start, *([] if target is None else [target])])
    if xscale == "log" and low <= 0:
        raise ValueError(
            "a logarithmic axis holds numbers above 0; got "
            f"start={start}, target={target} and values from {min(values.values())}"
        )
    with style():
        if ax is None:
            size = figsize or (6.6, BAR * len(values) + 0.9)
            _, ax = subplots(figsize=size)
        ax.grid(False)
        places = range(len(values))
        ax.barh(
            places,
            [value - start for value in values.values()],
            left=start,
            height=0.62,
            color=[COLOURS["accent" if n in highlight else "pad"] for n in values],
        )
        for place, (name, value) in zip(places, values.items(), strict=True):
            ax.annotate(
                (labels or {}).get(name, f"{value:.3g}"),
                (value, place),
                xytext=(5 if value >= start else -5, 0),
                textcoords="offset points",
                ha="left" if value >= start else "right",
                va="center",
                fontsize=9,
                color=COLOURS["ink"],
                bbox={"fc": COLOURS["paper"], "ec": "none", "pad": 0.8},
                annotation_clip=False,
            )
        ax.set(xscale=xscale, xlabel=xlabel or "")
        ax.set_title(title or "", loc="left", pad=16 if target is not None else 6)
        ax.set_yticks(places, list(values))
        ax.set_ylim(len(values) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        if target is not None:
            ax.axvline(target, color=COLOURS["kernel"], lw=1.4, ls="--", zorder=1.5)
            ax.annotate(
                target_label,
                (target, -0.5),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=9,
                color=COLOURS["kernel"],
                annotation_clip=False,
            )
    return ax
