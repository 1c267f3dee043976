"""The course's style, and a figure as one SVG that follows the page's theme."""

import hashlib
import html
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Real = int | float

# The light values of the site's colours. In a figure they are also placeholders: show
# turns each into var(--cnn-<name>, <light value>).
COLOURS: dict[str, str] = {
    "ink": "#1c2430",
    "muted": "#566172",
    "paper": "#fffdf9",
    "panel": "#f6f2e9",
    "line": "#d8d2c4",
    "input": "#2563a8",
    "kernel": "#b3470b",
    "output": "#1f7350",
    "pad": "#b9b2a3",
    "accent": "#6b3fa0",
}
_SANS = "'Inter Variable', Inter, system-ui, sans-serif"
_MONO = "'JetBrains Mono Variable', ui-monospace, monospace"


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's settings for the course's figures, for the length of a ``with``."""
    import matplotlib
    from cycler import cycler

    ink, muted, line = COLOURS["ink"], COLOURS["muted"], COLOURS["line"]
    curves = cycler(
        color=[COLOURS[c] for c in ("input", "kernel", "output", "accent", "muted")]
    ) + cycler(linestyle=["-", "--", "-.", ":", "-"])
    settings: Any = {
        # Measured with fonts that matplotlib brings; show names the page's fonts.
        "font.family": ["DejaVu Sans"],
        "font.monospace": ["DejaVu Sans Mono"],
        "font.size": 10,
        "svg.fonttype": "none",
        "svg.hashsalt": "course",
        "svg.id": None,
        "image.composite_image": False,
        "image.interpolation": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "axes.edgecolor": muted,
        "axes.labelcolor": ink,
        "axes.titlesize": 10,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": curves,
        "grid.color": line,
        "grid.linewidth": 0.8,
        "hatch.color": COLOURS["pad"],
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "text.color": ink,
        "xtick.color": muted,
        "ytick.color": muted,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
    }
    with matplotlib.rc_context(settings):
        yield


def subplots(
    nrows: int = 1, ncols: int = 1, *, figsize: tuple[Real, Real] | None = None
) -> tuple["Figure", Any]:
    """Make a figure and its axes in the course's style, without pyplot.

    ``figsize`` is in inches. As with pyplot's function of the same name, the second
    result is one axes, or an array of them when there are several.

    Examples
    --------
    >>> fig, axes = subplots(1, 2)
    >>> axes.shape
    (2,)
    """
    from matplotlib.figure import Figure

    with style():
        figsize = figsize or (4.6 * ncols, 3.0 * nrows)
        fig = Figure(figsize=figsize, layout="constrained")
        return fig, fig.subplots(nrows, ncols)


class Picture:
    """A finished figure: an SVG element for the page, and what it shows in words."""

    def __init__(self, svg: str, alt: str) -> None:
        self.svg = svg
        self.alt = alt

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"


def show(figure: Any, alt: str) -> Picture:
    """Turn a figure into one inline SVG that follows the page's light or dark theme.

    The figure is closed: a notebook will not show it a second time.

    Parameters
    ----------
    figure
        A matplotlib figure, one of its axes, or an array or list of them.
    alt
        What the figure shows, in a sentence or two, for readers who do not see it.

    Raises
    ------
    ValueError
        When ``alt`` is empty.
    TypeError
        When ``figure`` is something else.

    Examples
    --------
    >>> from course_lib.plotting import heatmap
    >>> show(heatmap([[1, 2], [3, 4]]), alt="The numbers 1 to 4 in two rows of two.")
    Figure: The numbers 1 to 4 in two rows of two.
    """
    if not alt.strip():
        raise ValueError(
            'alt must say what the figure shows, such as alt="Loss falls from 2.3 to '
            '0.5 in ten epochs."; got an empty text'
        )
    fig = _figure_of(figure)
    picture = Picture(_themed_svg(fig, alt.strip()), alt.strip())
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)
    return picture


def _figure_of(figure: Any) -> "Figure":
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    first = figure
    for _ in range(3):  # at most a list in a list
        if isinstance(first, Figure | Axes):
            break
        try:
            first = first[0]
        except (TypeError, IndexError, KeyError):
            break
    if not isinstance(first, Figure | Axes):
        raise TypeError(
            "show takes a matplotlib figure, axes, or a list of axes; got "
            f"{type(figure).__name__}"
        )
    if isinstance(first, Axes):
        first = first.get_figure(root=True)
    assert isinstance(first, Figure)
    return first


def _themed_svg(fig: "Figure", alt: str) -> str:
    """Save ``fig`` as SVG and fit it for living inside a page."""
    buffer = io.StringIO()
    with style():
        fig.savefig(buffer, format="svg", bbox_inches="tight", pad_inches=0.04)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # Rules of an inline SVG's <style> would apply to the whole page.
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href")
    svg = _own_ids(svg)
    svg = _theme_colours(svg)
    svg = svg.replace("'DejaVu Sans Mono'", _MONO).replace("'DejaVu Sans'", _SANS)
    svg = re.sub(r"(?<=[\d.]) *\n(?=[MLzCQ])", "", svg)
    return re.sub(r"\s*\n\s*", "\n", _root(svg, alt)).strip()


def _root(svg: str, alt: str) -> str:
    """Replace the opening tag: as wide as the page allows, at most natural size."""
    end = svg.index(">") + 1
    found = re.search(r'viewBox="([^"]+)"', svg[:end])
    assert found is not None
    width = float(found[1].split()[2]) * 96 / 72  # points to CSS pixels
    label = html.escape(alt, quote=True)
    return (
        f'<svg class="cnn-figure" role="img" aria-label="{label}" '
        f'viewBox="{found[1]}" xmlns="http://www.w3.org/2000/svg" '
        f'style="width: 100%; max-width: {width:.0f}px; height: auto; '
        f"fill: {_variable('ink')}; stroke-linejoin: round; "
        f'stroke-linecap: butt">{svg[end:]}'
    )


def _own_ids(svg: str) -> str:
    """Drop ids that nothing refers to, and make the others this figure's own."""
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg))
    names = {name for pair in used for name in pair if name}

    def keep(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in names else ""

    svg = re.sub(r'\s+id="([^"]*)"', keep, svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    return re.sub(r'href="#', f'href="#{prefix}-', svg)


def _variable(name: str) -> str:
    return f"var(--cnn-{name}, {COLOURS[name]})"


def _theme_colours(svg: str) -> str:
    """Replace the course's colours by the page's variables of that name."""
    names = {value: name for name, value in COLOURS.items()}

    def replace(match: re.Match[str]) -> str:
        name = names.get(match[2].lower())
        return match[1] + (_variable(name) if name else match[2])

    return re.sub(r"((?:fill|stroke)\s*[:=]\s*\"?)(#[0-9a-fA-F]{6})", replace, svg)
