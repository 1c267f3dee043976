"""Curves with a legend, and a descent on the contours of its loss."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_lib.plotting.theme import COLOURS, Real, style, subplots

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_curves(
    curves: Mapping[str, tuple[Sequence[Real], Sequence[Real]]],
    ax: "Axes | None" = None,
    *,
    xlabel: str | None = None,
    ylabel: str | None = None,
    xlim: tuple[Real, Real] | None = None,
    ylim: tuple[Real, Real] | None = None,
    xscale: str = "linear",
    yscale: str = "linear",
    marker: str | None = None,
    figsize: tuple[Real, Real] = (5.6, 3.2),
) -> "Axes":
    """Draw named curves with a legend.

    Parameters
    ----------
    curves
        Name of each curve to its x values and y values, equally many.
    ax
        Axes to draw into, else a new figure's.
    xlabel, ylabel, xlim, ylim, xscale, yscale, marker
        As matplotlib understands them.
    figsize
        Width and height in inches of a new figure.

    Examples
    --------
    >>> ax = plot_curves({"loss": ([1, 2, 3], [2.3, 1.1, 0.5])}, xlabel="epoch")
    >>> ax.get_xlabel()
    'epoch'
    """
    with style():
        if ax is None:
            _, ax = subplots(figsize=figsize)
        for name, (x, y) in curves.items():
            ax.plot(x, y, label=name, marker=marker)
        ax.set(xscale=xscale, yscale=yscale, xlabel=xlabel or "", ylabel=ylabel or "")
        if xlim is not None:
            ax.set_xlim(xlim)
        if ylim is not None:
            ax.set_ylim(ylim)
        if curves:
            ax.legend()
    return ax


def loss_contours(
    loss: Callable[[Tensor, Tensor], Tensor],
    path: Sequence[tuple[Real, Real]] | None = None,
    *,
    xlim: tuple[Real, Real],
    ylim: tuple[Real, Real],
    levels: int | Sequence[Real] = 12,
    minimum: tuple[Real, Real] | None = None,
    xlabel: str = "first weight",
    ylabel: str = "second weight",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a loss over two weights as contour lines, and the steps of a descent on it.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    loss
        Takes two tensors of one shape, the first and the second weight, and gives the
        loss for each pair.
    path
        Pairs of weights, from the start on.
    xlim, ylim
        Range of the first and of the second weight.
    levels
        How many contour lines, evenly spaced in the square root of the loss; or their
        values.
    minimum
        Mark this pair by a cross.
    xlabel, ylabel, ax
        As usual.

    Examples
    --------
    >>> ax = loss_contours(lambda u, v: u**2 + 9 * v**2, [(2, 1), (1, -0.5)],
    ...                    xlim=(-3, 3), ylim=(-2, 2))
    >>> ax.get_xlabel()
    'first weight'
    """
    u, v = torch.meshgrid(
        torch.linspace(*xlim, 121), torch.linspace(*ylim, 121), indexing="xy"
    )
    heights = loss(u, v).detach()  # (121, 121)
    if isinstance(levels, int):
        low, high = (float(h) ** 0.5 for h in heights.aminmax())
        levels = (torch.linspace(low, high, levels + 2)[1:-1] ** 2).tolist()
    with style():
        if ax is None:
            _, ax = subplots(figsize=(4.8, 3.8))
        ax.grid(False)
        ax.contour(
            u.numpy(),
            v.numpy(),
            heights.numpy(),
            levels=sorted(set(levels)),
            colors=COLOURS["pad"],
            linewidths=1.0,
        )
        if minimum is not None:
            ax.plot(*minimum, marker="+", ms=11, mew=2, color=COLOURS["ink"], ls="")
        if path:
            xs, ys = zip(*path, strict=True)
            ax.plot(xs, ys, marker="o", ms=4, ls="-", lw=1.4, color=COLOURS["kernel"])
        ax.set(xlim=xlim, ylim=ylim, xlabel=xlabel, ylabel=ylabel)
    return ax
