"""Padding, stride and dilation: which windows there are, and what they leave out."""

from typing import Any

import traitlets

from course_lib import geometry

from . import picture
from .base import Explorer, dropdown, from_front_end, group, int_slider, subgroup

SIDES = {"height": ("top", "bottom"), "width": ("left", "right")}
MAX_SIDE = 9


def _pair(what: str, value: Any) -> tuple[Any, Any]:
    """Return one number twice, or a pair as it is."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(
                f"{what} is {value!r}; pass one number or a pair (height, width)"
            )
        return value[0], value[1]
    return value, value


class Pair:
    """Two traits, along the height and along the width, read and set as one pair."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> tuple[int, int]:
        down, across = (getattr(owner, name) for name in self.names)
        return down, across

    def __set__(self, owner: Any, value: Any) -> None:
        for name, number in zip(self.names, _pair(self.name, value), strict=True):
            setattr(owner, name, number)


class PaddingStrideExplorer(Explorer, stem="padding_stride_explorer"):
    """Set sizes, padding, stride and dilation; see the windows and the formula.

    Introduced in :doc:`/book/padding-and-stride`.

    Parameters
    ----------
    size
        Height and width of the input, 1 to 16 each; one number is a square.
    kernel_size
        1 to 7 along each axis.
    padding
        Per side, 0 to 9: one number, ``(p_h, p_w)`` as PyTorch writes it, or
        ``((top, bottom), (left, right))``.
    stride, dilation
        1 to 5 and 1 to 3 along each axis.

    Raises
    ------
    ValueError
        If an argument is neither one number nor a pair.
    traitlets.TraitError
        If a number is out of range.

    Examples
    --------
    >>> explorer = PaddingStrideExplorer(8, (3, 5), padding=(0, 1), stride=(3, 4))
    >>> explorer.output_size
    (2, 2)
    >>> print(explorer.code)
    nn.Conv2d(1, 1, kernel_size=(3, 5), stride=(3, 4), padding=(0, 1))

    """

    title = "Padding and stride"
    prompt = (
        "<b>Try:</b> change the input height until stride 2 drops no row; then set "
        "both strides to 1 and press Same and Full. <b>Look for</b> the floor in the "
        "formula, the dashed rows that it drops, and the numbers in the input: they "
        "count how many windows read each pixel. Which padding makes them all equal?"
    )

    height = traitlets.Int(8, min=1, max=16).tag(sync=True)
    width = traitlets.Int(8, min=1, max=16).tag(sync=True)
    kernel_height = traitlets.Int(3, min=1, max=7).tag(sync=True)
    kernel_width = traitlets.Int(3, min=1, max=7).tag(sync=True)
    top = traitlets.Int(0, min=0, max=MAX_SIDE).tag(sync=True)
    bottom = traitlets.Int(0, min=0, max=MAX_SIDE).tag(sync=True)
    left = traitlets.Int(0, min=0, max=MAX_SIDE).tag(sync=True)
    right = traitlets.Int(0, min=0, max=MAX_SIDE).tag(sync=True)
    total_height = traitlets.Int(0, min=0, max=2 * MAX_SIDE).tag(sync=True)
    total_width = traitlets.Int(0, min=0, max=2 * MAX_SIDE).tag(sync=True)
    entry_index = traitlets.Int(0, min=0, max=1).tag(sync=True)
    stride_height = traitlets.Int(1, min=1, max=5).tag(sync=True)
    stride_width = traitlets.Int(1, min=1, max=5).tag(sync=True)
    dilation_height = traitlets.Int(1, min=1, max=3).tag(sync=True)
    dilation_width = traitlets.Int(1, min=1, max=3).tag(sync=True)
    row = traitlets.Int(0, min=0).tag(sync=True)
    column = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(
        self,
        size: Any = 8,
        kernel_size: Any = 3,
        *,
        padding: Any = 1,
        stride: Any = 2,
        dilation: Any = 1,
    ) -> None:
        along = _pair("padding", padding)
        (top, bottom), (left, right) = (_pair("padding", side) for side in along)
        height, width = _pair("size", size)
        kernel_height, kernel_width = _pair("kernel_size", kernel_size)
        stride_height, stride_width = _pair("stride", stride)
        dilation_height, dilation_width = _pair("dilation", dilation)
        super().__init__(
            height=height,
            width=width,
            kernel_height=kernel_height,
            kernel_width=kernel_width,
            top=top,
            bottom=bottom,
            left=left,
            right=right,
            stride_height=stride_height,
            stride_width=stride_width,
            dilation_height=dilation_height,
            dilation_width=dilation_width,
        )

        def pair(name: str, labels: tuple[str, str], high: int) -> Any:
            return group(
                "",
                *(
                    self.control(name.format(axis), int_slider(label, 1, 1, high))
                    for axis, label in zip(SIDES, labels, strict=True)
                ),
            )

        def padding_slider(name: str, label: str, high: int) -> Any:
            return self.control(name, int_slider(label, 0, 0, high))

        padding_group = group(
            "",
            self.control(
                "entry_index",
                dropdown(
                    "padding entry",
                    [
                        "per side, like PyTorch",
                        "both sides together, p",
                    ],
                    0,
                ),
            ),
            subgroup(
                "cnn-sides",
                *(padding_slider(s, f"padding {s}", MAX_SIDE) for s in self.sides()),
            ),
            subgroup(
                "cnn-totals",
                padding_slider("total_height", "p along the height", 2 * MAX_SIDE),
                padding_slider("total_width", "p along the width", 2 * MAX_SIDE),
            ),
        )
        padding_group.add_class("cnn-wide")
        self.compose(
            pair("{}", ("input height", "input width"), 16),
            pair("kernel_{}", ("kernel height", "kernel width"), 7),
            pair("stride_{}", ("stride down", "stride across"), 5),
            pair("dilation_{}", ("dilation down", "dilation across"), 3),
            padding_group,
        )

    # ------------------------------------------------------------- values

    @staticmethod
    def sides() -> tuple[str, ...]:
        """Return the names of the four sides, as they are listed."""
        return tuple(side for pair in SIDES.values() for side in pair)

    size = Pair("height", "width")
    kernel_size = Pair("kernel_height", "kernel_width")
    stride = Pair("stride_height", "stride_width")
    dilation = Pair("dilation_height", "dilation_width")

    @property
    def padding(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Padding as ``((top, bottom), (left, right))``; may be set as in torch."""
        return (self.top, self.bottom), (self.left, self.right)

    @padding.setter
    def padding(self, value: Any) -> None:
        for names, side in zip(SIDES.values(), _pair("padding", value), strict=True):
            for name, positions in zip(names, _pair("padding", side), strict=True):
                setattr(self, name, positions)

    @property
    def output_size(self) -> tuple[int, int]:
        """Output height and width; an axis on which no window fits counts 0."""
        return self._size_along(0), self._size_along(1)

    @property
    def dropped(self) -> tuple[int, int]:
        """Trailing padded rows and columns that no window reaches.

        Where no window fits on an axis, all of its positions are dropped.
        """
        return self._dropped_along(0), self._dropped_along(1)

    @property
    def pixel_use(self) -> list[list[int]]:
        """How many windows read each input pixel, row by row."""
        if 0 in self.output_size:
            return [[0] * self.width for _ in range(self.height)]
        return geometry.pixel_use_2d(self.size, self.kernel_size, **self._settings())

    @property
    def code(self) -> str:
        """The PyTorch lines that do the same, one channel in and out."""
        (top, bottom), (left, right) = self.padding
        lines = []
        arguments = [f"kernel_size={_short(self.kernel_size)}"]
        if self.stride != (1, 1):
            arguments.append(f"stride={_short(self.stride)}")
        if top != bottom or left != right:
            lines.append(f"X = F.pad(X, ({left}, {right}, {top}, {bottom}))")
        elif (top, left) != (0, 0):
            arguments.append(f"padding={_short((top, left))}")
        if self.dilation != (1, 1):
            arguments.append(f"dilation={_short(self.dilation)}")
        lines.append(f"nn.Conv2d(1, 1, {', '.join(arguments)})")
        return "\n".join(lines)

    def _settings(self) -> dict[str, Any]:
        return {
            "padding": self.padding,
            "stride": self.stride,
            "dilation": self.dilation,
        }

    def _axis(self, axis: int) -> tuple[tuple[int, int], dict[str, Any]]:
        settings = {name: value[axis] for name, value in self._settings().items()}
        return (self.size[axis], self.kernel_size[axis]), settings

    def _size_along(self, axis: int) -> int:
        sizes, settings = self._axis(axis)
        try:
            return geometry.output_size(*sizes, **settings)
        except ValueError:  # no window fits
            return 0

    def _dropped_along(self, axis: int) -> int:
        sizes, settings = self._axis(axis)
        if self._size_along(axis) == 0:
            return sizes[0] + sum(settings["padding"])
        return geometry.unused(*sizes, **settings)

    # The two ways to enter padding follow each other, as they do on the page.

    @traitlets.observe("top", "bottom", "left", "right")
    def _add_up(self, change: Any) -> None:
        if not from_front_end(self, change.name):
            axis = "height" if change.name in SIDES["height"] else "width"
            before, after = SIDES[axis]
            total = getattr(self, before) + getattr(self, after)
            if getattr(self, f"total_{axis}") != total:
                setattr(self, f"total_{axis}", total)

    @traitlets.observe("total_height", "total_width")
    def _split(self, change: Any) -> None:
        if not from_front_end(self, change.name):
            before, after = SIDES[change.name.removeprefix("total_")]
            if getattr(self, before) + getattr(self, after) != change.new:
                halves = geometry.split_total(change.new)
                # Together, or the first half alone would be added up again.
                with self.hold_trait_notifications():
                    setattr(self, before, halves[0])
                    setattr(self, after, halves[1])

    # ------------------------------------------------------ static picture

    def description(self) -> str:
        """Return the setting and its result in words."""
        (top, bottom), (left, right) = self.padding
        setting = (
            f"A {self.height} × {self.width} input with a {self.kernel_height} × "
            f"{self.kernel_width} kernel, padding {top} at the top, {bottom} at the "
            f"bottom, {left} left and {right} right, stride {self.stride_height} down "
            f"and {self.stride_width} across"
        )
        height, width = self.output_size
        if 0 in (height, width):
            return f"{setting} gives no output: no window fits."
        rows, columns = self.dropped
        return (
            f"{setting} gives a {height} × {width} output; trailing rows dropped: "
            f"{rows}, trailing columns dropped: {columns}."
        )

    def picture(self) -> str:
        """Return the padded input with its pixel use, and the output."""
        (top, bottom), (left, right) = self.padding
        use = self.pixel_use
        most = max(map(max, use))

        def inside(r: int, c: int) -> bool:
            return top <= r < top + self.height and left <= c < left + self.width

        def count(r: int, c: int) -> int:
            return use[r - top][c - left]

        span = [
            geometry.span(k, d)
            for k, d in zip(self.kernel_size, self.dilation, strict=True)
        ]
        fits = 0 not in self.output_size
        panels = [
            picture.Panel(
                "Padded input: reads of each pixel",
                self.height + top + bottom,
                self.width + left + right,
                lambda r, c: picture.heat(count(r, c), most) if inside(r, c) else None,
                lambda r, c: str(count(r, c)) if inside(r, c) else "",
                "input",
                cell=22.0,
                frames=[(0, 0, span[0], span[1], "kernel")] if fits else [],
            )
        ]
        if fits:
            panels.append(
                picture.Panel(
                    "Output",
                    *self.output_size,
                    lambda r, c: None,
                    role="output",
                    cell=22.0,
                )
            )
        return picture.grids(self.description(), panels)


def _short(pair: tuple[int, int]) -> str:
    """Return (3, 3) as "3" and (3, 5) as "(3, 5)", as one writes it."""
    return str(pair[0]) if pair[0] == pair[1] else f"({pair[0]}, {pair[1]})"
