"""Curves that grow while a program runs, where a notebook can show them."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from course_lib.plotting.theme import Real, show, style, subplots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def can_animate() -> bool:
    """Tell whether a notebook is there to show a picture that changes."""
    return getattr(_shell(), "kernel", None) is not None


def _shell() -> Any:
    """IPython's shell if code runs in one; never imports IPython for that."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


class Animator:
    """Curves that grow while a program runs.

    In a notebook there is one picture, replaced in place: it does not flicker, nothing
    that was printed is erased, and one figure is left in a saved notebook. Elsewhere
    points are only collected. Drawing never takes more than about a tenth of the time;
    the last state is always drawn, at the end of the cell at the latest.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    xlabel, ylabel
        Names of the axes.
    legend
        Names of the curves.
    xlim, ylim
        Their ranges; None follows the data.
    xscale, yscale
        ``"linear"``, ``"log"`` and so on.
    fmts
        Formats of the curves as matplotlib's ``plot`` takes them; None uses the
        course's colours and dashes.
    nrows, ncols
        Of axes; curves go to the first.
    figsize
        Width and height in inches.

    Examples
    --------
    >>> animator = Animator(xlabel="epoch", legend=["loss", "accuracy"], xlim=[0, 10])
    >>> animator.add(1, (2.3, 0.1))
    >>> animator.add(2, (None, 0.5))
    >>> animator.X, animator.Y
    ([[1], [1, 2]], [[2.3], [0.1, 0.5]])
    """

    def __init__(
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        legend: Sequence[str] | None = None,
        xlim: Sequence[Real] | None = None,
        ylim: Sequence[Real] | None = None,
        xscale: str = "linear",
        yscale: str = "linear",
        fmts: Sequence[str] | None = None,
        nrows: int = 1,
        ncols: int = 1,
        figsize: tuple[Real, Real] = (3.5, 2.5),
    ) -> None:
        self.X: list[list[Real]] = []
        self.Y: list[list[Real]] = []
        self._options = {
            "xlabel": xlabel or "",
            "ylabel": ylabel or "",
            "xscale": xscale,
            "yscale": yscale,
        }
        self._limits = {"xlim": xlim, "ylim": ylim}
        self._legend = list(legend or [])
        self._fmts = fmts
        self._grid = (nrows, ncols, figsize)
        self._handle: Any = None
        self._watching = False
        self._stale = False
        self._next_draw = 0.0

    def add(self, x: Any, y: Any) -> None:
        """Add one point to each curve; ``y`` is a number or one per curve, or None.

        ``x`` may be one number for all curves or one for each.
        """
        ys = list(y) if hasattr(y, "__len__") else [y]
        xs = list(x) if hasattr(x, "__len__") else [x] * len(ys)
        while len(self.X) < len(ys):
            self.X.append([])
            self.Y.append([])
        for k, (a, b) in enumerate(zip(xs, ys, strict=True)):
            if a is not None and b is not None:
                self.X[k].append(a)
                self.Y[k].append(b)
        self._stale = True
        if can_animate():
            self._watch()
            if time.perf_counter() >= self._next_draw:
                self.finish()

    def finish(self) -> None:
        """Show the latest state, where a notebook can show it."""
        if not self._stale or not can_animate():
            return
        started = time.perf_counter()
        picture = show(self.figure(), self.alt)
        if self._handle is None:
            from IPython.display import display

            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
        self._stale = False
        now = time.perf_counter()
        self._next_draw = now + max(0.2, 10 * (now - started))

    @property
    def alt(self) -> str:
        """What the picture shows, in words, with each curve's last value."""
        curves = [
            f"{name} ({ys[-1]:.3g} at {xs[-1]:.3g})"
            for name, xs, ys in zip(self._names(), self.X, self.Y, strict=True)
            if ys
        ]
        against = (
            f" against {self._options['xlabel']}" if self._options["xlabel"] else ""
        )
        return f"Curves{against}: {', '.join(curves) or 'no points yet'}."

    def _names(self) -> list[str]:
        missing = range(len(self._legend), len(self.X))
        return [*self._legend, *(f"curve {k + 1}" for k in missing)][: len(self.X)]

    def figure(self) -> "Figure":
        """Draw the curves as they are into a new figure."""
        nrows, ncols, figsize = self._grid
        with style():
            fig, axes = subplots(nrows, ncols, figsize=figsize)
            ax = axes.flat[0] if nrows * ncols > 1 else axes
            for k, (name, xs, ys) in enumerate(
                zip(self._names(), self.X, self.Y, strict=True)
            ):
                form = [self._fmts[k]] if self._fmts and k < len(self._fmts) else []
                ax.plot(xs, ys, *form, label=name)
            ax.set(**self._options)
            ax.set(**{k: tuple(v) for k, v in self._limits.items() if v is not None})
            if self._legend:
                ax.legend(fontsize=9)
        return fig

    def _watch(self) -> None:
        """Have the last state drawn when the cell ends, finished or interrupted."""
        if not self._watching:
            self._watching = True
            _shell().events.register("post_run_cell", self._cell_ends)

    def _cell_ends(self, *_: Any) -> None:
        _shell().events.unregister("post_run_cell", self._cell_ends)
        self._watching = False
        self.finish()
