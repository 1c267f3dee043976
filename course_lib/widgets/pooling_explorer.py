"""Pooling, before and after a shift: ``PoolingExplorer``."""

import math
from typing import Any

import ipywidgets as widgets
import traitlets

from course_lib.geometry import output_shape

from . import picture
from .base import Explorer, dropdown, group, int_slider

MODES = ("max", "avg")


def edge_map() -> list[list[float]]:
    """Return the 6 × 7 edge map of the chapter on image convolution: +1 and −1."""
    return [[0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0] for _ in range(6)]


def numbered() -> list[list[float]]:
    """Return 0 … 15 as a 4 × 4 image."""
    return [[float(4 * r + c) for c in range(4)] for r in range(4)]


def ring(size: int = 10) -> list[list[float]]:
    """Return a soft ring, brightness 0 to 1, drawn by distance from the centre."""
    middle = (size - 1) / 2

    def brightness(r: int, c: int) -> float:
        distance = abs(math.hypot(r - middle, c - middle) - size * 0.3)
        return round(max(0.0, 1 - distance / 1.5), 2)

    return [[brightness(r, c) for c in range(size)] for r in range(size)]


PICTURES = {
    "edges, +1 and −1": edge_map,
    "the numbers 0 … 15": numbered,
    "a ring": ring,
}


class PoolingExplorer(Explorer, stem="pooling_explorer"):
    """Pool an image and its shifted copy; see what changes before and after.

    Introduced in :doc:`/book/pooling`. All values below are traits: the page's
    controls set them, and with a kernel Python reads and sets them, too.

    Parameters
    ----------
    image
        An own image, shape ``(H, W)`` with 1 to 16 rows and columns, as nested lists
        or a tensor of any real dtype; it joins the built-in ones and is shown first.
    mode
        ``"max"`` or ``"avg"``.
    pool_size, stride, padding
        One number for both axes or ``(down, across)``: window 1–5, stride 1–5 (the
        window's size when left out, as in torch), padding per side 0–2.
    ceil_mode, count_include_pad
        As for ``torch.nn.MaxPool2d`` and ``torch.nn.AvgPool2d``.
    shift
        Columns by which the copy is moved, −3 to 3; positive is to the right.
    absolute
        Pool absolute values, so that a −1 edge counts like a +1 edge.

    Raises
    ------
    ValueError
        When the mode is unknown or the image has no rows and columns of that range.
    traitlets.TraitError
        When a number is out of its range.

    Examples
    --------
    >>> explorer = PoolingExplorer(pool_size=2, stride=1)
    >>> explorer.output_size
    (5, 6)
    >>> explorer.changed  # cells that the shift by one column changes: before, after
    (24, 10)
    """

    title = "What pooling notices of a shift"
    prompt = (
        "<b>Try:</b> move the shift to 2, then back. <b>Look for</b> how many cells "
        "change before pooling and how many after. Then find the −1 edge in the pooled "
        "image: where has it gone, and does it come back with average pooling, or with "
        "absolute values?"
    )

    mode_index = traitlets.Int(0, min=0, max=1).tag(sync=True)
    image_index = traitlets.Int(0, min=0).tag(sync=True)
    shift = traitlets.Int(1, min=-3, max=3).tag(sync=True)
    absolute = traitlets.Bool(False).tag(sync=True)
    pool_h = traitlets.Int(2, min=1, max=5).tag(sync=True)
    pool_w = traitlets.Int(2, min=1, max=5).tag(sync=True)
    stride_h = traitlets.Int(1, min=1, max=5).tag(sync=True)
    stride_w = traitlets.Int(1, min=1, max=5).tag(sync=True)
    pad_h = traitlets.Int(0, min=0, max=2).tag(sync=True)
    pad_w = traitlets.Int(0, min=0, max=2).tag(sync=True)
    ceil_mode = traitlets.Bool(False).tag(sync=True)
    count_include_pad = traitlets.Bool(True).tag(sync=True)
    unit = traitlets.List(traitlets.Int(min=0), [0, 0], minlen=2, maxlen=2).tag(
        sync=True
    )
    _images: Any = traitlets.List().tag(sync=True)

    def __init__(
        self,
        image: Any = None,
        *,
        mode: str = "max",
        pool_size: int | tuple[int, int] = 2,
        stride: int | tuple[int, int] | None = 1,
        padding: int | tuple[int, int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        shift: int = 1,
        absolute: bool = False,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f'PoolingExplorer: mode is "max" or "avg", not {mode!r}')
        pool_h, pool_w = _pair("pool_size", pool_size)
        stride_h, stride_w = _pair("stride", pool_size if stride is None else stride)
        pad_h, pad_w = _pair("padding", padding)
        pictures = {name: draw() for name, draw in PICTURES.items()}
        if image is not None:
            pictures = {"your image": _rows(image), **pictures}
        super().__init__(
            mode_index=MODES.index(mode),
            shift=shift,
            absolute=absolute,
            pool_h=pool_h,
            pool_w=pool_w,
            stride_h=stride_h,
            stride_w=stride_w,
            pad_h=pad_h,
            pad_w=pad_w,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            _images=[_shipped(rows) for rows in pictures.values()],
        )
        self._names = list(pictures)
        self.compose(*self._panel())
        self.box.add_class("cnn-pooling")

    def _panel(self) -> list[Any]:
        def slider(name: str, label: str) -> Any:
            trait = self.traits()[name]
            return self.control(
                name, int_slider(label, getattr(self, name), trait.min, trait.max)
            )

        def tick(name: str, label: str) -> Any:
            box = widgets.Checkbox(description=label, indent=False)
            return self.control(name, box)

        return [
            group(
                "Image",
                self.control("image_index", dropdown("image", self._names, 0)),
                slider("shift", "shift"),
                tick("absolute", "absolute values first"),
            ),
            group(
                "Layer",
                self.control("mode_index", dropdown("pooling", ["max", "average"], 0)),
                tick("ceil_mode", "ceil_mode"),
                tick("count_include_pad", "count_include_pad"),
            ),
            group(
                "Down",
                slider("pool_h", "window height"),
                slider("stride_h", "stride down"),
                slider("pad_h", "padding height"),
            ),
            group(
                "Across",
                slider("pool_w", "window width"),
                slider("stride_w", "stride across"),
                slider("pad_w", "padding width"),
            ),
        ]

    @traitlets.validate("image_index")
    def _image_exists(self, proposal: Any) -> int:
        pictures = len(self._images) or len(PICTURES) + 1
        if proposal.value >= pictures:
            raise traitlets.TraitError(
                f"PoolingExplorer has {pictures} images; image_index={proposal.value} "
                f"must be 0 to {pictures - 1}"
            )
        return int(proposal.value)

    # ------------------------------------------------------------- values

    @property
    def image(self) -> list[list[float]]:
        """The image that is pooled, as rows; absolute values are taken later."""
        image = self._images[self.image_index]
        width, values = image["width"], image["values"]
        return [values[i : i + width] for i in range(0, len(values), width)]

    @property
    def mode(self) -> str:
        """``"max"`` or ``"avg"``."""
        return MODES[self.mode_index]

    @property
    def output_size(self) -> tuple[int, int] | None:
        """Height and width after pooling; ``None`` when torch refuses the layer."""
        if self.pad_h > self.pool_h // 2 or self.pad_w > self.pool_w // 2:
            return None
        image = self._images[self.image_index]
        try:
            return output_shape(
                (image["height"], image["width"]),
                (self.pool_h, self.pool_w),
                padding=(self.pad_h, self.pad_w),
                stride=(self.stride_h, self.stride_w),
                ceil_mode=self.ceil_mode,
            )
        except ValueError:
            return None

    @property
    def pooled(self) -> Any:
        """The pooled image, float64 tensor of shape (H′, W′); ``None`` when refused."""
        return None if self.output_size is None else self._pool(self._values())

    @property
    def changed(self) -> tuple[int, int] | None:
        """How many cells the shift changes before and after pooling."""
        if self.output_size is None:
            return None
        values = self._values()
        shifted = _shifted(values, self.shift)
        before = (values - shifted).abs() > 1e-6
        after = (self._pool(values) - self._pool(shifted)).abs() > 1e-6
        return int(before.sum()), int(after.sum())

    def _values(self) -> Any:
        import torch

        values = torch.tensor(self.image, dtype=torch.float64)  # (H, W)
        return values.abs() if self.absolute else values

    def _pool(self, X: Any) -> Any:
        from torch.nn import functional as F

        window, stride = (self.pool_h, self.pool_w), (self.stride_h, self.stride_w)
        padding = (self.pad_h, self.pad_w)
        X = X[None, None]  # (1, 1, H, W)
        if self.mode == "max":
            Y = F.max_pool2d(X, window, stride, padding, ceil_mode=self.ceil_mode)
        else:
            Y = F.avg_pool2d(
                X, window, stride, padding, self.ceil_mode, self.count_include_pad
            )
        return Y[0, 0]  # (H', W')

    # ------------------------------------------------------------ display

    def description(self) -> str:
        """Return the explorer's present state as one or two sentences."""
        image = self._images[self.image_index]
        size = f"{image['height']}×{image['width']}"
        if self.output_size is None:
            return f"No output: torch refuses this {self.mode} pooling of {size}."
        height, width = self.output_size
        before, after = self.changed or (0, 0)
        return (
            f"{'Maximum' if self.mode == 'max' else 'Average'} pooling, window "
            f"{self.pool_h}×{self.pool_w}, stride {self.stride_h}×{self.stride_w}, "
            f"makes {height}×{width} of {size}. "
            f"Shifted by {self.shift}, {before} of {len(image['values'])} cells change "
            f"before pooling, {after} of {height * width} after."
        )

    def picture(self) -> str:
        """Return the image, its shifted copy and both results as an ``<svg>``."""
        values = self._values()
        top = float(values.abs().max()) or 1.0

        def panel(title: str, role: str, X: Any) -> picture.Panel:
            rows = X.tolist()
            return picture.Panel(
                title,
                len(rows),
                len(rows[0]),
                lambda r, c: picture.signed(rows[r][c], top),
                lambda r, c: picture.number(rows[r][c]),
                role,
                cell=26.0,
            )

        panels = [panel("image", "input", values)]
        if self.output_size is not None:
            shifted = _shifted(values, self.shift)
            panels += [
                panel("pooled", "output", self._pool(values)),
                panel(f"shifted by {self.shift}", "input", shifted),
                panel("pooled", "output", self._pool(shifted)),
            ]
        return picture.grids(self.description(), panels)


def _pair(name: str, value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    if isinstance(value, tuple | list) and len(value) == 2:
        return value[0], value[1]
    raise ValueError(
        f"PoolingExplorer: {name} is one number or (down, across), not {value!r}"
    )


def _rows(image: Any) -> list[list[float]]:
    rows = image.tolist() if hasattr(image, "tolist") else [list(row) for row in image]
    widths = {len(row) if isinstance(row, list) else -1 for row in rows}
    flat = len(widths) == 1 and not any(
        isinstance(value, list) for row in rows for value in row
    )
    if not flat or not (1 <= len(rows) <= 16 and 1 <= min(widths) <= 16):
        raise ValueError(
            "PoolingExplorer: image must have two axes with 1 to 16 rows and columns; "
            f"got shape {tuple(getattr(image, 'shape', (len(rows),)))}"
        )
    return [[float(value) for value in row] for row in rows]


def _shipped(rows: list[list[float]]) -> dict[str, Any]:
    values = [value for row in rows for value in row]
    return {"height": len(rows), "width": len(rows[0]), "values": values}


def _shifted(values: Any, shift: int) -> Any:
    """Move the content by ``shift`` columns to the right; zeros come in."""
    moved = values.roll(shift, 1)
    if shift > 0:
        moved[:, :shift] = 0
    elif shift < 0:
        moved[:, shift:] = 0
    return moved
