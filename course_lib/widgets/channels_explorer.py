"""Several channels in and out: ``ChannelsExplorer``."""

from typing import Any

import traitlets

from . import picture
from .base import Explorer, dropdown, group, int_slider


class ChannelsExplorer(Explorer, stem="channels_explorer"):
    """See how the channels of an image meet the slices of a kernel, and what it costs.

    Introduced in :doc:`/book/channels`. The numbers are those of the chapter: channel c
    of the input counts 0, 1, 2, … plus c, the slice from channel c to output channel o
    counts 0, 1, 2, … plus c + o. All values are traits: the page's controls set them,
    and with a kernel Python reads and sets them, too.

    Parameters
    ----------
    c_i, c_o
        Input and output channels, 1 to 4.
    k
        Height and width of the kernel, 1 to 5; 1 shows the dense layer per pixel.
    size
        Height and width of the image, 2 to 8.

    Raises
    ------
    traitlets.TraitError
        When a number is out of its range.

    Examples
    --------
    >>> explorer = ChannelsExplorer()
    >>> explorer.Y[0].tolist()
    [[56.0, 72.0], [104.0, 120.0]]
    >>> explorer.weights, explorer.multiply_adds
    (24, 96)
    """

    title = "Channels: products, sums, and what they cost"
    prompt = (
        "<b>Try:</b> add an input channel, then an output channel. <b>Look for</b> "
        "what grows each time: the terms of a sum, or the number of sums? Then set "
        "<b>k</b> to 1: no pixel sees its neighbours any more, only its own channels."
    )

    c_i = traitlets.Int(2, min=1, max=4).tag(sync=True)
    c_o = traitlets.Int(3, min=1, max=4).tag(sync=True)
    k = traitlets.Int(2, min=1, max=5).tag(sync=True)
    size = traitlets.Int(3, min=2, max=8).tag(sync=True)
    numbers_index = traitlets.Int(0, min=0, max=1).tag(sync=True)
    output_channel = traitlets.Int(0, min=0, max=3).tag(sync=True)
    unit = traitlets.List(traitlets.Int(min=0), [0, 0], minlen=2, maxlen=2).tag(
        sync=True
    )

    def __init__(self, c_i: int = 2, c_o: int = 3, k: int = 2, size: int = 3) -> None:
        super().__init__(c_i=c_i, c_o=c_o, k=k, size=size)

        def slider(name: str, label: str) -> Any:
            trait = self.traits()[name]
            return self.control(
                name, int_slider(label, getattr(self, name), trait.min, trait.max)
            )

        numbers = ["counting, as in the text", "small, with both signs"]
        self.compose(
            group(
                "Channels",
                slider("c_i", "input, c_i"),
                slider("c_o", "output, c_o"),
                slider("output_channel", "shown above"),
            ),
            group(
                "Sizes and numbers",
                slider("k", "kernel, k"),
                slider("size", "image"),
                self.control("numbers_index", dropdown("numbers", numbers, 0)),
            ),
        )
        self.box.add_class("cnn-channels")

    # ------------------------------------------------------------- values

    @property
    def X(self) -> Any:
        """The input, float32 tensor of shape (c_i, size, size)."""
        import torch

        return torch.tensor(
            [
                [
                    [self._input(c, r, s) for s in range(self.size)]
                    for r in range(self.size)
                ]
                for c in range(self.c_i)
            ],
            dtype=torch.float32,
        )

    @property
    def K(self) -> Any:
        """The kernel, float32 tensor of shape (c_o, c_i, k, k)."""
        import torch

        return torch.tensor(
            [
                [
                    [
                        [self._weight(o, c, r, s) for s in range(self.k)]
                        for r in range(self.k)
                    ]
                    for c in range(self.c_i)
                ]
                for o in range(self.c_o)
            ],
            dtype=torch.float32,
        )

    @property
    def Y(self) -> Any:
        """The output, shape (c_o, H′, W′); ``None`` when the kernel does not fit."""
        if self.k > self.size:
            return None
        from course_lib.convolution import corr2d_multi_in_out

        return corr2d_multi_in_out(self.X, self.K)

    @property
    def output_size(self) -> int:
        """Height and width of the output; 0 when the kernel does not fit."""
        return max(0, self.size - self.k + 1)

    @property
    def weights(self) -> int:
        """Numbers in the kernel: c_o · c_i · k · k."""
        return self.c_o * self.c_i * self.k * self.k

    @property
    def multiply_adds(self) -> int:
        """Multiplications, each with an addition, for one image."""
        return self.weights * self.output_size**2

    def _input(self, c: int, r: int, s: int) -> int:
        if self.numbers_index == 1:
            return _scattered(c, r, s)
        return r * self.size + s + c

    def _weight(self, o: int, c: int, r: int, s: int) -> int:
        if self.numbers_index == 1:
            return _scattered(3 * o + c + 1, r + 2, s)
        return r * self.k + s + c + o

    # ------------------------------------------------------------ display

    def description(self) -> str:
        """Return the explorer's present state as one or two sentences."""
        if self.Y is None:
            return (
                f"No output: a {self.k}×{self.k} kernel does not fit into a "
                f"{self.size}×{self.size} image."
            )
        n, m = self.size, self.output_size
        return (
            f"A convolution with {self.c_i} input and {self.c_o} output channels and a "
            f"{self.k}×{self.k} kernel makes {self.c_o}×{m}×{m} of {self.c_i}×{n}×{n} "
            f"with {self.weights} weights and {self.multiply_adds} multiply-adds; the "
            "results of all input channels are added."
        )

    def picture(self) -> str:
        """Return all channels of input, kernel slice and output as an ``<svg>``."""
        o = min(self.output_channel, self.c_o - 1)
        panels = [_panel(f"X[{c}]", "input", x) for c, x in enumerate(self.X.tolist())]
        panels += [
            _panel(f"K[{o}, {c}]", "kernel", kernel)
            for c, kernel in enumerate(self.K[o].tolist())
        ]
        if self.Y is not None:
            panels += [
                _panel(f"Y[{to}]", "output", y) for to, y in enumerate(self.Y.tolist())
            ]
        return picture.grids(self.description(), panels, gap=20.0)


def _scattered(a: int, r: int, s: int) -> int:
    """Return a number from −3 to 3 that looks random; the page has the same rule."""
    mixed = 17 * a + 29 * r + 43 * s + 13 * r * s + 7 * r * r + 3 * s * s + 19 * a * s
    return mixed % 101 % 7 - 3


def _panel(title: str, role: str, rows: list[list[float]]) -> picture.Panel:
    top = max(1.0, *(abs(value) for row in rows for value in row))
    return picture.Panel(
        title,
        len(rows),
        len(rows[0]),
        lambda r, c: picture.signed(rows[r][c], top),
        lambda r, c: picture.number(rows[r][c]),
        role,
    )
