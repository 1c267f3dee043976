"""Figures of the course: drawn by code, for light and dark, with alternative text.

Functions take an ``ax`` to draw into (None makes a figure of the right size) and return
the axes; :func:`show` turns a figure into one inline SVG that follows the page's theme.
Blue is always *input*, orange *kernel* and green *output*; padding is hatched. Values
with a sign are blue above zero and orange below.

Nothing here changes matplotlib's global settings, and matplotlib is imported when the
first figure is drawn.
"""

import hashlib
import html
import io
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.geometry import (
    Window,
    output_shape,
    pixel_use_2d,
    receptive_field,
    unused,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_lib.lenet import Ledger

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
_CELL = 0.42  # inches per cell of a drawn grid
_ANNOTATED = 0.42  # strongest tint under a number that stays readable in both themes

Numbers = Tensor | Sequence[Any]
Real = int | float


# -- style and output ------------------------------------------------------------------


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


# -- images ----------------------------------------------------------------------------


def _pixels(image: Any) -> Tensor:
    """Make an image float32 ``(H, W)`` or ``(H, W, 3)``."""
    array = torch.as_tensor(image).detach().cpu()
    if array.ndim == 3 and array.shape[0] in (1, 3):
        array = array.permute(1, 2, 0)  # (H, W, C)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]  # (H, W)
    if array.ndim not in (2, 3):
        raise ValueError(
            "an image has shape (H, W), (1, H, W) or (3, H, W); got "
            f"{tuple(torch.as_tensor(image).shape)}"
        )
    return array.float() / 255 if array.dtype == torch.uint8 else array.float()


def _signed_pixels(array: Tensor, largest: Real) -> Tensor:
    """Blue above zero, orange below, transparent at zero: ``(H, W, 4)``."""
    strength = (array / (largest or 1.0)).clamp(-1, 1)
    colours = torch.tensor(
        [[int(COLOURS[c][i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in _SIGNS]
    )
    rgb = torch.where(strength[..., None] < 0, colours[0], colours[1])
    return torch.cat([rgb, strength.abs()[..., None]], dim=-1)


_SIGNS = ("kernel", "input")  # the colours of negative and of positive values


def show_images(
    images: Any,
    num_rows: int | None = None,
    num_cols: int | None = None,
    titles: Sequence[str] | None = None,
    *,
    scale: Real = 1.1,
    signed: bool = False,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw images in rows and columns, each with its title below.

    Parameters
    ----------
    images
        A sequence, or a tensor with the images along its first axis, each of shape
        ``(H, W)``, ``(1, H, W)`` or ``(3, H, W)``: uint8 0 to 255, or floats 0 (black)
        to 1 (white). Values beyond are drawn as the nearest of these.
    num_rows, num_cols
        Either may be left out; without both there are at most 8 in a row.
    titles
        One per image.
    scale
        Width of an image in inches.
    signed
        Draw values around zero instead: blue above, orange below, each image with its
        own scale.
    ax
        Axes to draw into, else a new figure's.

    Raises
    ------
    ValueError
        When there are no images, an image is no image, they do not fit into the rows
        and columns, or titles and images differ in number.

    Examples
    --------
    >>> show_images(torch.rand(3, 28, 28), titles=["a", "b", "c"]).get_title()
    ''
    """
    pictures = [_pixels(image) for image in images]
    rows, cols = _layout(len(pictures), num_rows, num_cols)
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            f"titles must be one per image: got {len(titles)} titles and "
            f"{len(pictures)} images"
        )
    gap, below = 0.12, 0.36 if titles is not None else 0.12
    width, height = cols * (1 + gap) - gap, rows * (1 + below) - 0.12
    ax = _canvas(ax, width, height, cell=scale)
    for i, picture in enumerate(pictures):
        x, y = (i % cols) * (1 + gap), (i // cols) * (1 + below)
        _image(ax, picture, (x, y, 1.0, 1.0), signed)
        if titles is not None:
            ax.text(x + 0.5, y + 1.03, titles[i], ha="center", va="top", fontsize=8.5)
    return ax


def feature_maps(
    maps: Tensor,
    num_cols: int | None = None,
    titles: Sequence[str] | None = None,
    *,
    signed: bool = False,
    scale: Real = 1.1,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the channels of one example side by side, all on one common scale.

    Parameters
    ----------
    maps
        Shape ``(C, H, W)`` or ``(1, C, H, W)``. Black is the smallest value of all
        channels and white the largest; with ``signed``, blue is above zero and orange
        below.
    num_cols, titles, scale, ax
        As for :func:`show_images`.

    Raises
    ------
    ValueError
        When ``maps`` has another shape.

    Examples
    --------
    >>> len(feature_maps(torch.rand(1, 6, 14, 14)).images)
    6
    """
    maps = maps.detach().cpu().float()
    if maps.ndim == 4 and maps.shape[0] == 1:
        maps = maps[0]  # (C, H, W)
    if maps.ndim != 3:
        raise ValueError(
            "feature_maps takes the maps of one example, (C, H, W) or (1, C, H, W); "
            f"got shape {tuple(maps.shape)}"
        )
    if signed:
        maps = maps / maps.abs().max().clamp_min(1e-12)
    else:
        low, high = maps.min(), maps.max()
        maps = (maps - low) / (high - low).clamp_min(1e-12)
    return show_images(maps, None, num_cols, titles, scale=scale, signed=signed, ax=ax)


def _layout(n: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    if n == 0:
        raise ValueError("show_images needs at least one image, got none")
    if cols is None:
        cols = min(n, 8) if rows is None else math.ceil(n / rows)
    if rows is None:
        rows = math.ceil(n / cols)
    if rows * cols < n:
        raise ValueError(f"{n} images do not fit into {rows} rows of {cols}")
    return rows, cols


def _image(
    ax: "Axes", picture: Tensor, box: tuple[Real, Real, Real, Real], signed: bool
) -> None:
    """Place an image at ``box`` = x, y, width, height, and a hairline around it."""
    x, y, width, height = box
    if signed:
        picture = _signed_pixels(picture, float(picture.abs().max()))
    ax.imshow(
        picture.clamp(0, 1).numpy(),
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(x, x + width, y + height, y),
        interpolation="none",
        aspect="equal",
        zorder=2,
    )
    _rectangle(
        ax, x, y, width, height, fill=False, ec=COLOURS["line"], lw=0.8, zorder=3
    )


# -- grids of numbers ------------------------------------------------------------------


def _canvas(ax: "Axes | None", width: Real, height: Real, cell: Real = _CELL) -> "Axes":
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


def _matrix(values: Any, name: str = "values") -> Tensor:
    matrix = torch.as_tensor(values).detach().cpu()
    if matrix.ndim != 2 or matrix.numel() == 0:
        raise ValueError(
            f"{name} must be a matrix with at least one number; got shape "
            f"{tuple(matrix.shape)}"
        )
    return matrix.double()


def _number(value: Real, whole: bool) -> str:
    """Write a number as short as a cell needs it, with a true minus sign."""
    if not math.isfinite(value):
        text = str(value)
    elif whole:
        text = f"{value:.0f}"
    else:
        text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return text.replace("-", "−")


def _tint(
    value: Real, largest: Real, kind: str, signed: bool, strongest: float
) -> tuple[str, Real]:
    """Colour and opacity of a cell."""
    strength = abs(value) / largest if largest and math.isfinite(value) else 0.0
    if signed:
        return COLOURS[_SIGNS[value >= 0]], strongest * strength
    return COLOURS[kind], 0.08 + (strongest - 0.08) * strength


def _grid(
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
    strongest = _ANNOTATED if annotate else 1.0
    _rectangle(ax, x, y, cols, rows, fc=COLOURS["panel"], ec="none")
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
                _rectangle(ax, x + j, y + i, 1, 1, fc=colour, alpha=alpha, ec="none")
            if annotate:
                _cell_text(ax, x + j, y + i, value, whole, ink)
    _lines(ax, x, y, rows, cols, "line" if even is None else "pad")


def _rectangle(ax: "Axes", x: Real, y: Real, w: Real, h: Real, **options: Any) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, y), w, h, clip_on=False, **options))


def _cell_text(
    ax: "Axes", x: Real, y: Real, value: Real, whole: bool, ink: str
) -> None:
    """Print a number into the cell whose upper left corner is (x, y)."""
    ax.text(
        x + 0.5,
        y + 0.52,
        _number(value, whole),
        ha="center",
        va="center",
        family="DejaVu Sans Mono",
        fontsize=9.5 if whole else 7.5,
        color=ink,
        zorder=5,
    )


def _lines(
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


def _outline(ax: "Axes", x: Real, y: Real, w: Real, h: Real, colour: str) -> None:
    """Draw a strong frame around cells."""
    _rectangle(ax, x, y, w, h, fill=False, ec=COLOURS[colour], lw=2.2, zorder=4)


def _caption(ax: "Axes", x: Real, y: Real, text: str, colour: str = "muted") -> None:
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5, color=COLOURS[colour])


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
    matrix = _matrix(values)
    if annotate is None:
        annotate = matrix.numel() <= 400
    rows, cols = matrix.shape
    below = 0.8 if title else 0.0
    cell = _CELL if annotate else min(_CELL, 5.0 / max(rows, cols))
    ax = _canvas(ax, cols, rows + below, cell)
    with style():
        if matrix.numel() > 400 and not annotate:
            _image(ax, _tints(matrix, kind, signed), (0, 0, cols, rows), signed)
        else:
            _grid(ax, matrix, kind=kind, signed=signed, annotate=annotate)
        if highlight is not None:
            row, column, height, width = highlight
            _outline(ax, column, row, width, height, "accent")
        if title:
            _caption(ax, cols / 2, rows + 0.5, title)
    return ax


def _tints(matrix: Tensor, kind: str, signed: bool) -> Tensor:
    """Make a picture of a matrix with too many cells to be drawn one by one."""
    if signed or kind == "grey":
        return matrix.float()
    strength = matrix.float().abs()
    strength = strength / strength.max().clamp_min(1e-12)
    rgb = torch.tensor([int(COLOURS[kind][i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return torch.cat([rgb.expand(*matrix.shape, 3), strength[..., None]], dim=-1)


grid_of_numbers = heatmap


# -- curves ----------------------------------------------------------------------------


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


# -- the course's own pictures ---------------------------------------------------------


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
    X, K = _matrix(X, "X"), _matrix(K, "K")
    (rows, cols), (k_h, k_w) = X.shape, K.shape
    o_h, o_w = output_shape((rows, cols), (k_h, k_w))
    i, j = _inside(at, (o_h, o_w))
    Y = (X.unfold(0, k_h, 1).unfold(1, k_w, 1) * K).sum((-2, -1))  # (o_h, o_w)
    height = max(rows, k_h, o_h)
    x_k, x_y = cols + 1.4, cols + 1.4 + k_w + 1.4
    window = X[i : i + k_h, j : j + k_w]
    terms = _sum_in_words(window, K, float(Y[i, j]))
    below = 1.6 if terms else 0.9
    ax = _canvas(ax, x_y + o_w, height + below)
    with style():
        parts = [(X, 0.0, "input"), (K, x_k, "kernel"), (Y, x_y, "output")]
        for values, x, kind in parts:
            top = (height - values.shape[0]) / 2
            _grid(ax, values, x, top, kind=kind, signed=signed)
            _caption(ax, x + values.shape[1] / 2, height + 0.5, kind, kind)
        _outline(ax, j, (height - rows) / 2 + i, k_w, k_h, "kernel")
        _outline(ax, x_y + j, (height - o_h) / 2 + i, 1, 1, "output")
        for x, sign in ((cols + 0.7, "⋆"), (x_y - 0.7, "=")):
            ax.text(x, height / 2, sign, ha="center", va="center", fontsize=15)
        if terms:
            _caption(ax, (x_y + o_w) / 2, height + 1.25, terms, "ink")
    return ax


def _sum_in_words(window: Tensor, K: Tensor, total: Real) -> str:
    """Write out the products of one window, if they are few enough to be read."""
    pairs = list(zip(window.flatten().tolist(), K.flatten().tolist(), strict=True))
    if len(pairs) > 6:
        return ""
    whole = all(a == round(a) for pair in pairs for a in pair)
    products = []
    for a, b in pairs:
        left, right = _number(a, whole), _number(b, whole)
        products.append(f"{left}·({right})" if b < 0 else f"{left}·{right}")
    return f"{' + '.join(products)} = {_number(total, whole)}"


def _inside(at: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    i, j = at
    if not (0 <= i < size[0] and 0 <= j < size[1]):
        raise ValueError(
            f"at={at} is outside the output of {size[0]} x {size[1]}; rows go from 0 "
            f"to {size[0] - 1}, columns from 0 to {size[1] - 1}"
        )
    return i, j


Pair = int | tuple[int, int]


def _pair(value: Any) -> tuple[Any, Any]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _sides(padding: Any) -> tuple[int, int]:
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
    sizes, kernel = _pair(size), _pair(kernel_size)
    strides, dilations = _pair(stride), _pair(dilation)
    pads = [_sides(p) for p in _pair(padding)]
    o_h, o_w = output_shape(
        sizes, kernel, padding=(pads[0], pads[1]), stride=strides, dilation=dilations
    )
    i, j = _inside(at, (o_h, o_w))
    rows, cols = (n + sum(p) for n, p in zip(sizes, pads, strict=True))
    numbers = None
    if values is not None:
        numbers = _matrix(values)
        if tuple(numbers.shape) != sizes:
            raise ValueError(
                f"values must have the input's size {sizes}; got {tuple(numbers.shape)}"
            )
    x_y = cols + 1.8
    height = max(rows, o_h)
    ax = _canvas(ax, x_y + o_w, height + 0.9)
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
                _rectangle(ax, x, y, 1, 1, fc=COLOURS["kernel"], alpha=0.35, ec="none")
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        _outline(ax, j * strides[1], top + i * strides[0], reach[1], reach[0], "kernel")
        y_top = (height - o_h) / 2
        _grid(
            ax,
            torch.ones(o_h, o_w),
            x_y,
            y_top,
            kind="output",
            annotate=False,
            even=0.25,
        )
        _outline(ax, x_y + j, y_top + i, 1, 1, "output")
        ax.annotate(
            "",
            (x_y - 0.35, height / 2),
            (cols + 0.35, height / 2),
            arrowprops={"arrowstyle": "->", "color": COLOURS["muted"], "lw": 1.2},
        )
        named = f"input {sizes[0]} × {sizes[1]}"
        if (rows, cols) != sizes:
            named += f", padded {rows} × {cols}"
        _caption(ax, cols / 2, height + 0.5, named, "input")
        _caption(ax, x_y + o_w / 2, height + 0.5, f"output {o_h} × {o_w}", "output")
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
        _rectangle(ax, 0, top, cols, rows, fc="none", ec=COLOURS["pad"], hatch="////")
    _rectangle(ax, left, top + above, size[1], size[0], fc=COLOURS["panel"], ec="none")
    _rectangle(
        ax,
        left,
        top + above,
        size[1],
        size[0],
        fc=COLOURS["input"],
        alpha=0.22,
        ec="none",
    )
    _lines(ax, 0, top, rows, cols, "pad")
    if numbers is None:
        return
    whole = bool((numbers == numbers.round()).all())
    for i, row in enumerate(numbers.tolist()):
        for j, value in enumerate(row):
            corner = (j + left, top + i + above)
            _cell_text(ax, *corner, value, whole, COLOURS["ink"])


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
        _caption(
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
        padding=(_sides(window.padding), (0, 0)),
        stride=(window.stride, 1),
        dilation=(window.dilation, 1),
    )[0]


def _taps(window: Window, unit: int) -> list[int]:
    """List the units below that ``unit`` reads; negative ones are padding."""
    before, _ = _sides(window.padding)
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
    ax = _canvas(ax, width, height, cell=0.36)
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


def draw_layers(
    ledger: "Ledger",
    *,
    input_shape: tuple[int, ...] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a network as a row of stacked maps and, for dense layers, of bars.

    Sides grow with the square root of a map's height and width; layers that leave the
    shape as it is are left out.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    ledger
        What :func:`course_lib.lenet.cost_ledger` returns.
    input_shape
        Drawn first if given, such as ``(1, 1, 28, 28)``.
    ax
        Axes to draw into, else a new figure's.

    Examples
    --------
    >>> from course_lib.lenet import LeNet, cost_ledger
    >>> shape = (1, 1, 28, 28)
    >>> ax = draw_layers(cost_ledger(LeNet(), shape), input_shape=shape)
    >>> [text.get_text() for text in ax.texts][:4]
    ['input', '1 × 28 × 28', 'Conv2d', '6 × 28 × 28']
    """
    steps = _steps(ledger, input_shape)
    x, drawn = 0.0, []
    for name, shape in steps:
        w, h = _step_size(shape)
        drawn.append((name, shape, x, w, h))
        x += max(w, _SLOT) + 0.35
    height = max(h for *_, h in drawn)
    ax = _canvas(ax, x - 0.35, height + 1.5, cell=0.44)
    with style():
        for place, (name, shape, left, w, h) in enumerate(drawn):
            colour = "input" if place == 0 and input_shape else "output"
            slot = max(w, _SLOT)
            _stack(ax, shape, left + (slot - w) / 2, (height - h) / 2, colour)
            middle = left + slot / 2
            _caption(ax, middle, height + 0.45, name, "ink")
            text = " × ".join(map(str, shape))
            ax.text(
                middle,
                height + 1.0,
                text,
                ha="center",
                va="center",
                fontsize=8,
                family="DejaVu Sans Mono",
                color=COLOURS["muted"],
            )
    return ax


_SLOT = 1.7  # least width of a drawn layer and its name


def _steps(
    ledger: "Ledger", input_shape: tuple[int, ...] | None
) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, without the batch axis, of the layers that change a shape."""
    steps = [("input", tuple(input_shape[1:]))] if input_shape else []
    for layer in ledger:
        shape = tuple(layer.output_shape[1:])
        changes = not steps or shape != steps[-1][1] or layer.parameters
        if changes:
            steps.append((layer.name.split()[-1], shape))
    return steps


def _step_size(shape: tuple[int, ...]) -> tuple[Real, Real]:
    """Width and height of a drawn layer."""
    if len(shape) < 3:
        return 0.22, 0.16 * math.sqrt(shape[-1])
    shift = 0.09 * (min(shape[0], 16) - 1)
    return 0.42 * math.sqrt(shape[2]) + shift, 0.42 * math.sqrt(shape[1]) + shift


def _stack(ax: "Axes", shape: tuple[int, ...], x: Real, y: Real, colour: str) -> None:
    """Draw one layer's output: a pile of maps, or a bar."""
    width, height = _step_size(shape)
    count = min(shape[0], 16) if len(shape) == 3 else 1
    shift = 0.09 * (count - 1)
    for k in range(count):
        box = (x + 0.09 * k, y + 0.09 * k, width - shift, height - shift)
        _rectangle(ax, *box, fc=COLOURS["paper"], ec="none")
        _rectangle(ax, *box, fc=COLOURS[colour], alpha=0.3, ec="none")
        _rectangle(ax, *box, fill=False, ec=COLOURS[colour], lw=0.9)


# -- live curves -----------------------------------------------------------------------


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
