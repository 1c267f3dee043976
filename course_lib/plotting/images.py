"""Images and feature maps in rows and columns."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.plotting._canvas import SIGNS, canvas, rectangle
from course_lib.plotting.theme import COLOURS, Real

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    pictures = [pixels(image) for image in images]
    rows, cols = _layout(len(pictures), num_rows, num_cols)
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            f"titles must be one per image: got {len(titles)} titles and "
            f"{len(pictures)} images"
        )
    gap, below = 0.12, 0.36 if titles is not None else 0.12
    width, height = cols * (1 + gap) - gap, rows * (1 + below) - 0.12
    ax = canvas(ax, width, height, cell=scale)
    for i, picture in enumerate(pictures):
        x, y = (i % cols) * (1 + gap), (i // cols) * (1 + below)
        place(ax, picture, (x, y, 1.0, 1.0), signed)
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


def place(
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
    rectangle(ax, x, y, width, height, fill=False, ec=COLOURS["line"], lw=0.8, zorder=3)


def pixels(image: Any) -> Tensor:
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
        [[int(COLOURS[c][i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in SIGNS]
    )
    rgb = torch.where(strength[..., None] < 0, colours[0], colours[1])
    return torch.cat([rgb, strength.abs()[..., None]], dim=-1)
