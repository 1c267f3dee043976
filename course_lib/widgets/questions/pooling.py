"""Questions of the page on pooling."""

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.convolution import corr2d
from course_lib.geometry import output_size
from course_lib.pooling import pool2d

from ..quiz import Cells, Choice, Mistake, Number, Question, Shape
from .pictures import matrices

PAGE = "pooling"
WINDOW = ("Max and Average Pooling", f"{PAGE}#equation-eq-pooling")
SHIFT = (
    "What pooling does to a shifted edge",
    f"{PAGE}#what-pooling-does-to-a-shifted-edge",
)
VANISHED = ("What pooling does to a shifted edge", f"{PAGE}#par-vanished")
DEFAULT = ("Padding and Stride", f"{PAGE}#par-default-stride")
INFINITY = ("Padding and Stride", f"{PAGE}#par-minus-infinity")
COUNTED = ("Padding and Stride", f"{PAGE}#par-counted-zeros")
CEILING = ("Padding and Stride", f"{PAGE}#par-rounded-up")
CHANNELS = ("Multiple Channels", f"{PAGE}#multiple-channels")
SAVED = ("Multiple Channels", f"{PAGE}#par-what-pooling-saves")


def maximum() -> list[Question]:
    """Ask for a small max-pooling."""
    X = torch.tensor([[1, 5, 2], [3, 0, 4], [8, 6, 7]])
    average = pool2d(X.double(), (2, 2), "avg")
    return [
        Cells(
            ask="Max-pooling with a 2 × 2 window and stride 1. What comes out?",
            picture=matrices(
                "An input of three rows: 1, 5, 2; 3, 0, 4; 8, 6, 7.", input=X
            ),
            answer=pool2d(X, (2, 2)),
            mistakes=[
                Mistake(
                    "average for maximum",
                    average,
                    "That is average pooling. Here only the largest number counts.",
                ),
                Mistake(
                    "added, as in a convolution",
                    4 * average,
                    "Nothing is multiplied or added: the largest number is picked.",
                ),
                Mistake(
                    "the smallest picked",
                    -pool2d(-X, (2, 2)),
                    "That is the minimum of each window.",
                ),
            ],
            why="The largest of each four: 5 and 5 above, 8 and 7 below. The same 5 "
            "may win in two windows.",
            see=WINDOW,
        )
    ]


def shifted_edge() -> list[Question]:
    """Ask what max-pooling leaves of two edges."""
    picture = torch.ones(6, 8, dtype=torch.int64)
    picture[:, 2:6] = 0
    Y = corr2d(picture, torch.tensor([[1, -1]]))
    pooled, least = pool2d(Y, (2, 2)), -pool2d(-Y, (2, 2))
    strongest = torch.where(least.abs() > pooled.abs(), least, pooled)
    return [
        Cells(
            ask="One row of the edge map, like all others, is below. What does "
            "2 × 2 max-pooling with stride 1 make of it?",
            picture=matrices("A row of seven: 0, 1, 0, 0, 0, −1, 0.", edge_map=Y[:1]),
            answer=pooled[:1],
            mistakes=[
                Mistake(
                    "largest size taken for largest value",
                    strongest[:1],
                    "Beside a 0, the −1 is the <em>smaller</em> number, and loses.",
                    VANISHED,
                ),
                Mistake(
                    "sign forgotten",
                    pool2d(Y.abs(), (2, 2))[:1],
                    "That is what you get from the absolute values. Of −1 and 0 the "
                    "maximum is 0.",
                    VANISHED,
                ),
                Mistake(
                    "average for maximum",
                    pool2d(Y.double(), (2, 2), "avg")[:1],
                    "That is average pooling; it keeps both edges at half strength.",
                    WINDOW,
                ),
            ],
            why="The +1 wins both windows that contain it. The −1 never wins against a "
            "0: that edge is gone.",
            see=VANISHED,
        )
    ]


def direction() -> list[Question]:
    """Ask which way an index shift moves the content."""
    X = torch.zeros(8, dtype=torch.int64)
    X[2] = 1
    Z = torch.zeros_like(X)
    Z[:-1] = X[1:]  # Z[j] = X[j + 1]
    moved = "left" if Z.argmax() < X.argmax() else "right"
    return [
        Choice(
            ask="Every pixel of a new picture is set by <code>Z[i, j] = X[i, "
            "j+1]</code>. Which way has the content moved?",
            answer=moved,
            options={
                "One column to the left.": "left",
                "One column to the right.": "right",
                "One row up.": "up",
            },
            mistakes=[
                Mistake(
                    "the index taken for the content",
                    "right",
                    "<code>Z[i, 1]</code> gets what stood in column 2: the content "
                    "went from 2 to 1.",
                ),
                Mistake(
                    "rows and columns exchanged",
                    "up",
                    "The second index counts columns.",
                ),
            ],
            why="What stood in column 2 now stands in column 1: to the left. Widely "
            "read texts say right.",
            see=SHIFT,
        )
    ]


def _pooled(module: nn.Module, *size: int) -> tuple[int, ...]:
    return tuple(module(torch.zeros(1, 1, *size)).shape[2:])


def default_stride() -> list[Question]:
    """Ask for a size with the stride left out."""
    return [
        Shape(
            ask="<code>nn.MaxPool2d(3)</code> is applied to a map of 7 × 7. What size "
            "comes out?",
            answer=_pooled(nn.MaxPool2d(3), 7, 7),
            mistakes=[
                Mistake(
                    "stride 1, as in a convolution",
                    _pooled(nn.MaxPool2d(3, stride=1), 7, 7),
                    "A pooling layer's stride is its <em>window</em> unless you say "
                    "otherwise.",
                ),
                Mistake(
                    "missing floor: rounded up",
                    _pooled(nn.MaxPool2d(3, ceil_mode=True), 7, 7),
                    "A third window would stick out by two pixels; it is dropped "
                    "unless <code>ceil_mode</code> is set.",
                    CEILING,
                ),
            ],
            why="The stride is 3, so windows start at 0 and 3; pixel 6 is dropped: "
            "⌊(7 − 3)/3⌋ + 1 = 2.",
            see=DEFAULT,
        )
    ]


def minus_infinity() -> list[Question]:
    """Ask what max-pooling pads with."""
    X = torch.tensor([[-1.0, -2.0], [-3.0, -4.0]])[None, None]
    zeros = F.pad(X, (1, 1, 1, 1))
    return [
        Cells(
            ask="<code>nn.MaxPool2d(2, padding=1)</code> on an input of negative "
            "numbers. Each of the four windows covers one pixel and three cells of "
            "padding. What comes out?",
            picture=matrices("The input: −1, −2; −3, −4.", input=X[0, 0]),
            answer=nn.MaxPool2d(2, padding=1)(X)[0, 0],
            mistakes=[
                Mistake(
                    "zero in place of −∞ padding",
                    nn.MaxPool2d(2)(zeros)[0, 0],
                    "Zeros would win every window. PyTorch pads maxima with −∞, so "
                    "that padding never wins.",
                ),
                Mistake(
                    "average for maximum",
                    nn.AvgPool2d(2, padding=1)(X)[0, 0],
                    "That is average pooling, which does pad with zeros.",
                    COUNTED,
                ),
            ],
            why="Beside −∞ the one pixel of each window is the largest, even if "
            "negative.",
            see=INFINITY,
        )
    ]


def counted_zeros() -> list[Question]:
    """Ask what average pooling does at the border."""
    ones = torch.ones(1, 1, 4, 4)
    pooled = nn.AvgPool2d(3, 1, padding=1)(ones)[0, 0]
    uncounted = nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)(ones)[0, 0]
    return [
        Number(
            ask="A picture is 1 everywhere. <code>nn.AvgPool2d(3, stride=1, padding=1)"
            "</code>: what stands in the <em>corner</em> of the output?",
            answer=pooled[0, 0],
            tolerance=0.006,
            mistakes=[
                Mistake(
                    "padding left out of the average",
                    uncounted[0, 0],
                    "So it is with <code>count_include_pad=False</code>. By default "
                    "the zeros are counted.",
                ),
                Mistake(
                    "an edge, not the corner",
                    pooled[0, 1],
                    "Along an edge six of nine cells are real; in the corner only four "
                    "are.",
                ),
                Mistake(
                    "padding counted as the part that is real",
                    uncounted[0, 0] - pooled[0, 0],
                    "Five of the nine cells are padding; the other four hold a 1.",
                ),
            ],
            why="Four ones and five zeros, divided by nine.",
            see=COUNTED,
        )
    ]


def ceiling() -> list[Question]:
    """Ask for a size with ceil_mode."""
    n, k, s = 8, 3, 2
    return [
        Number(
            ask="A map of 8 × 8, window 3, stride 2, <code>ceil_mode=True</code>. How "
            "many rows come out?",
            answer=output_size(n, k, stride=s, ceil_mode=True),
            mistakes=[
                Mistake(
                    "rounded down",
                    output_size(n, k, stride=s),
                    "That is the default, and drops the last pixel. "
                    "<code>ceil_mode</code> rounds up.",
                ),
                Mistake(
                    "stride ignored",
                    output_size(n, k),
                    "Divide by the stride before you add 1.",
                ),
            ],
            why="⌈(8 − 3)/2⌉ + 1 = 4: the last window starts at 6 and hangs over the "
            "edge.",
            see=CEILING,
        )
    ]


def channels() -> list[Question]:
    """Ask what pooling does to channels, and what it needs to learn."""
    X = torch.zeros(1, 16, 10, 10)
    return [
        Shape(
            ask="<code>nn.MaxPool2d(2)</code> on 16 maps of 10 × 10. What comes out?",
            names=("channels", "height", "width"),
            answer=nn.MaxPool2d(2)(X)[0].shape,
            mistakes=[
                Mistake(
                    "added over channels, as in a convolution",
                    nn.Conv2d(16, 1, 2, stride=2)(X)[0].shape,
                    "Pooling treats each map by itself and mixes none.",
                ),
                Mistake(
                    "channels pooled, too",
                    nn.MaxPool3d(2)(X)[0].shape,
                    "The window lies in height and width only.",
                ),
                Mistake(
                    "stride 1",
                    nn.MaxPool2d(2, stride=1)(X)[0].shape,
                    "The stride is the window, 2, unless you say otherwise.",
                    DEFAULT,
                ),
            ],
            why="As many maps as before, each half as high and half as wide.",
            see=CHANNELS,
        ),
        Number(
            ask="How many parameters does <code>nn.AvgPool2d(2)</code> have there?",
            answer=sum(p.numel() for p in nn.AvgPool2d(2).parameters()),
            mistakes=[
                Mistake(
                    "taken for a convolution of each channel",
                    nn.Conv2d(16, 16, 2, groups=16, bias=False).weight.numel(),
                    "Such a convolution <em>could</em> average, but the weights of "
                    "pooling are fixed: there is nothing to learn.",
                    SAVED,
                ),
                Mistake(
                    "the window's cells counted",
                    nn.Conv2d(1, 1, 2, bias=False).weight.numel(),
                    "Each cell counts for a quarter, always. That is not a parameter.",
                    SAVED,
                ),
            ],
            why="None. It saves activations, and parameters only in a dense layer that "
            "reads them.",
            see=SAVED,
        ),
    ]
