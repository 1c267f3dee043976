"""Questions of the page on padding and stride."""

import torch
from torch import nn

from course_lib.geometry import (
    output_shape,
    output_size,
    pixel_use,
    pixel_use_2d,
    same_padding,
    span,
    unused,
)

from ..quiz import Cells, Choice, Mistake, Number, Question, Shape

PAGE = "padding-and-stride"
TOP = ("Padding and Stride", f"{PAGE}#padding-and-stride")
PADDING = ("Padding", f"{PAGE}#equation-eq-padding")
PER_SIDE = ("Padding", f"{PAGE}#par-per-side")
EVEN = ("Odd and even kernels", f"{PAGE}#odd-and-even-kernels")
USE = ("Who gets used how often?", f"{PAGE}#who-gets-used-how-often")
STRIDE = ("Stride", f"{PAGE}#equation-eq-stride")
STRIDE_2D = ("Stride", f"{PAGE}#equation-eq-stride-2d")
DROPPED = ("Stride", f"{PAGE}#par-the-floor")
DILATION = ("Dilation", f"{PAGE}#equation-eq-dilation")


def _through(layers: int, n: int, lost: int) -> int:
    for _ in range(layers):
        n -= lost
    return n


def many_layers() -> list[Question]:
    """Ask what many layers leave of a picture."""
    n, k, layers = 128, 7, 8
    size = n
    for _ in range(layers):
        size = output_size(size, k)
    return [
        Number(
            ask="A picture is 128 pixels wide. How wide is it after eight layers with "
            "7 × 7 kernels, without padding?",
            answer=size,
            mistakes=[
                Mistake(
                    "the kernel's width lost in each layer",
                    _through(layers, n, k),
                    "A window of 7 has <i>n</i> − 7 + 1 places: each layer costs 6, "
                    "not 7.",
                ),
                Mistake(
                    "one side only",
                    _through(layers, n, k // 2),
                    "Three pixels go at <em>each</em> side.",
                ),
                Mistake(
                    "one layer only",
                    output_size(n, k),
                    "That is the width after the first of eight.",
                ),
            ],
            why="Each layer takes away <i>k</i> − 1 = 6: 128 − 8 · 6 = 80.",
            see=TOP,
        )
    ]


def total() -> list[Question]:
    """Ask for a size with PyTorch's padding."""
    n, k, padding = (10, 12), (5, 3), (1, 2)
    layer = nn.Conv2d(1, 1, kernel_size=k, padding=padding)
    with torch.no_grad():
        answer = tuple(layer(torch.zeros(1, 1, *n)).shape[2:])
    return [
        Shape(
            ask="An input of 10 × 12 goes through <code>nn.Conv2d(1, 1, "
            "kernel_size=(5, 3), padding=(1, 2))</code>. What size comes out?",
            answer=answer,
            mistakes=[
                Mistake(
                    "total taken for per side",
                    output_shape(n, k, padding=((1, 0), (2, 0))),
                    "You added 1 row and 2 columns in all. PyTorch's <code>padding"
                    "</code> is added on <em>each</em> side: 2 rows and 4 columns.",
                ),
                Mistake(
                    "the padded input taken for the output",
                    [size + 2 * extra for size, extra in zip(n, padding, strict=True)],
                    "That is what the kernel slides over. The output is smaller by "
                    "<i>k</i> − 1.",
                    PADDING,
                ),
                Mistake(
                    "padding forgotten",
                    output_shape(n, k),
                    "That is the size without padding.",
                    PADDING,
                ),
                Mistake(
                    "height and width of the kernel exchanged",
                    output_shape(n, k[::-1], padding=padding),
                    "Tuples are (height, width), everywhere in PyTorch.",
                    PADDING,
                ),
            ],
            why="<i>p</i><sub>h</sub> = 2 and <i>p</i><sub>w</sub> = 4, so "
            "10 − 5 + 2 + 1 = 8 rows and 12 − 3 + 4 + 1 = 14 columns.",
            see=PER_SIDE,
        )
    ]


def even() -> list[Question]:
    """Ask how much padding keeps the size under an even kernel."""
    k = 4
    return [
        Number(
            ask="A kernel is 4 wide. How many columns of padding, both sides together, "
            "keep the width of the picture?",
            answer=sum(same_padding(k)),
            mistakes=[
                Mistake(
                    "<i>k</i> in place of <i>k</i> − 1",
                    2 * (k // 2),
                    "Two on each side make the output one column too wide.",
                    PADDING,
                ),
                Mistake(
                    "made symmetric",
                    2 * ((k - 1) // 2),
                    "One on each side loses a column. An even kernel needs an odd "
                    "total, and so more on one side.",
                ),
                Mistake(
                    "<i>k</i> − 1 on each side",
                    2 * (k - 1),
                    "That is <em>full</em> padding, and makes the output larger.",
                    PADDING,
                ),
            ],
            why="<i>n</i> − 4 + <i>p</i> + 1 = <i>n</i> for <i>p</i> = 3: two columns "
            "on one side, one on the other.",
            see=EVEN,
        )
    ]


def _same_with_stride() -> str | tuple[int, ...]:
    """Return what PyTorch does: the size that comes out, or the name of its error."""
    try:
        layer = nn.Conv2d(1, 1, kernel_size=3, padding="same", stride=2)
    except ValueError as error:
        return type(error).__name__
    return tuple(layer(torch.zeros(1, 1, 8, 8)).shape[2:])


def same() -> list[Question]:
    """Ask what "same" means together with a stride."""
    half = output_shape(8, 3, padding=1, stride=2)
    return [
        Choice(
            ask='What does <code>nn.Conv2d(1, 1, kernel_size=3, padding="same", '
            "stride=2)</code> do with an input of 8 × 8?",
            answer=_same_with_stride(),
            options={
                "It cannot be built: PyTorch raises an error.": ValueError.__name__,
                "The output is 8 × 8, as the name says.": (8, 8),
                "The output is 4 × 4, half as large.": half,
            },
            mistakes=[
                Mistake(
                    "the name taken at its word",
                    (8, 8),
                    "With stride 2 there are only half as many windows as pixels.",
                ),
                Mistake(
                    "“same” taken for <code>padding=1</code>",
                    half,
                    "With <code>padding=1</code> it would be so. PyTorch does not call "
                    "that “same”.",
                ),
            ],
            why="With a stride the output cannot be the same size, so PyTorch refuses "
            "the combination. Give the padding as a number.",
            see=EVEN,
        )
    ]


def use() -> list[Question]:
    """Ask how often each pixel is used."""
    size, k = (3, 3), 3
    along = pixel_use(3, k, padding=1)
    return [
        Cells(
            ask="A 3 × 3 picture under a 3 × 3 kernel with <code>padding=1</code>: how "
            "many of the nine windows contain each pixel?",
            answer=pixel_use_2d(size, k, padding=1),
            name="windows",
            mistakes=[
                Mistake(
                    "all pixels taken to be used alike",
                    pixel_use_2d(size, k, padding=2),
                    "A corner pixel would have to be the window's lower right number "
                    "as well as its upper left one. Only <em>full</em> padding allows "
                    "that.",
                ),
                Mistake(
                    "padding forgotten",
                    pixel_use_2d(size, k),
                    "Without padding there is a single window; with it there are nine.",
                ),
                Mistake(
                    "counts added",
                    [[a + b for b in along] for a in along],
                    "Any row of windows goes with any column of windows: the counts of "
                    "the two axes are multiplied.",
                ),
            ],
            why="Along one axis the counts are 2, 3, 2; the product of two such counts "
            "gives 4, 6 and 9.",
            see=USE,
        )
    ]


def stride() -> list[Question]:
    """Ask how many windows fit, and what they leave over."""
    n, k, s = 16, 5, 3
    return [
        Number(
            ask="A row of 16 pixels, a kernel of width 5, stride 3, no padding. How "
            "many windows fit?",
            answer=output_size(n, k, stride=s),
            mistakes=[
                Mistake(
                    "missing floor: rounded up",
                    output_size(n, k, stride=s, ceil_mode=True),
                    "(16 − 5)/3 is not whole. A last window would stick out, so it is "
                    "rounded <em>down</em>.",
                    DROPPED,
                ),
                Mistake(
                    "the + 1 forgotten",
                    (n - k) // s,
                    "That counts the steps; the window also stands at 0 before the "
                    "first of them.",
                ),
                Mistake(
                    "stride ignored",
                    output_size(n, k),
                    "That many places there are with stride 1. Only every third is "
                    "visited.",
                ),
            ],
            why="They start at 0, 3, 6 and 9: ⌊(16 − 5)/3⌋ + 1 = 4. One that started "
            "at 12 would need pixel 16.",
            see=STRIDE,
        ),
        Number(
            ask="And how many pixels at the end does no window reach?",
            answer=unused(n, k, stride=s),
            mistakes=[
                Mistake(
                    "missing floor: nothing dropped",
                    unused(n, k, stride=1),
                    "The last window that fits covers pixels 9 to 13.",
                ),
                Mistake(
                    "the remainder of <i>n</i>/<i>s</i>",
                    n % s,
                    "What counts is the remainder of (<i>n</i> − <i>k</i>)/<i>s</i>: "
                    "the last window is 5 wide.",
                ),
            ],
            why="The last window covers pixels 9 to 13; 14 and 15 are dropped. It is "
            "the remainder of (16 − 5)/3.",
            see=DROPPED,
        ),
    ]


def both_axes() -> list[Question]:
    """Ask for a size when everything differs between the axes."""
    n, k, padding, s = (9, 12), (3, 5), (0, 1), (2, 3)

    def size(
        kernel: tuple[int, int], padding: object, stride: tuple[int, int]
    ) -> tuple[int, int]:
        return output_shape(n, kernel, padding=padding, stride=stride)  # type: ignore[arg-type]

    height, width = size(k, padding, s)
    return [
        Shape(
            ask="An input of 9 × 12 goes through <code>nn.Conv2d(1, 1, kernel_size="
            "(3, 5), padding=(0, 1), stride=(2, 3))</code>. What size comes out?",
            answer=(height, width),
            mistakes=[
                Mistake(
                    "total taken for per side",
                    size(k, ((0, 0), (1, 0)), s),
                    "<code>padding=(0, 1)</code> adds a column on the left "
                    "<em>and</em> one on the right.",
                    PER_SIDE,
                ),
                Mistake(
                    "height and width of the kernel exchanged",
                    size(k[::-1], padding, s),
                    "Tuples are (height, width): the kernel is 3 high and 5 wide.",
                ),
                Mistake(
                    "the strides exchanged",
                    size(k, padding, s[::-1]),
                    "Tuples are (height, width): 2 down, 3 across.",
                ),
                Mistake(
                    "stride ignored",
                    size(k, padding, (1, 1)),
                    "Divide by the stride before you add 1.",
                ),
                Mistake(
                    "the + 1 forgotten",
                    (height - 1, width - 1),
                    "The window also stands at 0, before its first step.",
                ),
            ],
            why="⌊(9 − 3 + 0)/2⌋ + 1 = 4 rows and ⌊(12 − 5 + 2)/3⌋ + 1 = 4 columns.",
            see=STRIDE_2D,
        )
    ]


def dilation() -> list[Question]:
    """Ask for a size under a dilated kernel."""
    n, k, d = 12, 3, 2
    return [
        Number(
            ask="A row of 12 pixels, a kernel of 3 weights with "
            "<code>dilation=2</code>, stride 1. How many outputs are there?",
            answer=output_size(n, k, dilation=d),
            mistakes=[
                Mistake(
                    "dilation taken for kernel size",
                    output_size(n, k * d),
                    "Three weights with one gap between neighbours span 5 pixels, not "
                    "3 · 2 = 6.",
                ),
                Mistake(
                    "dilation ignored",
                    output_size(n, k),
                    "The kernel has 3 weights but reaches farther than 3 pixels.",
                ),
                Mistake(
                    "one gap too many",
                    output_size(n, span(k, d + 1)),
                    "<code>dilation=2</code> leaves <i>d</i> − 1 = 1 pixel out between "
                    "two weights, not 2.",
                ),
            ],
            why="It spans 2 · (3 − 1) + 1 = 5 pixels, so there are 12 − 5 + 1 = 8 "
            "places.",
            see=DILATION,
        )
    ]
