"""Questions of the page on channels."""

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.convolution import corr2d, corr2d_multi_in
from course_lib.lenet import cost_ledger

from ..quiz import Choice, Mistake, Number, Question, Shape
from .pictures import matrices

PAGE = "channels"
INPUTS = ("Multiple Input Channels", f"{PAGE}#equation-eq-multi-in")
TRAP = ("A trap in those three lines", f"{PAGE}#a-trap-in-those-three-lines")
OUTPUTS = ("Multiple Output Channels", f"{PAGE}#equation-eq-multi-in-out")
COST = ("What it costs", f"{PAGE}#equation-eq-conv-cost")
ONE = ("1×1 Convolution Layers", f"{PAGE}#equation-eq-one-by-one")
UNFOLDED = ("1×1 Convolution Layers", f"{PAGE}#par-im2col")


def _two_channels() -> tuple[torch.Tensor, torch.Tensor]:
    X = torch.arange(9).reshape(3, 3)
    K = torch.arange(4).reshape(2, 2)
    return torch.stack((X, X + 1)), torch.stack((K, K + 1))


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def two_in() -> list[Question]:
    """Ask what two channels give together."""
    X, K = _two_channels()
    maps = torch.stack([corr2d(x, k) for x, k in zip(X, K, strict=True)])
    total = corr2d_multi_in(X, K)
    return [
        Number(
            ask="Two input channels, and a kernel with one matrix for each. What is "
            "the upper left number of the output?",
            picture=matrices(
                "Input channel 0 holds 0 to 8, input channel 1 holds 1 to 9; kernel 0 "
                "holds 0 to 3, kernel 1 holds 1 to 4.",
                input_0=X[0],
                kernel_0=K[0],
                input_1=X[1],
                kernel_1=K[1],
            ),
            answer=total[0, 0],
            mistakes=[
                Mistake(
                    "sum over channels forgotten",
                    maps[0, 0, 0],
                    "That is channel 0 alone. The results of all channels are added.",
                ),
                Mistake(
                    "the last channel only",
                    maps[1, 0, 0],
                    "That is channel 1 alone. The results of all channels are added.",
                ),
                Mistake(
                    "one matrix for all channels",
                    corr2d_multi_in(X, torch.stack((K[0], K[0])))[0, 0],
                    "Each channel has a matrix of its own: the second holds 1 to 4.",
                ),
                Mistake(
                    "flipped kernel",
                    corr2d_multi_in(X, K.flip(1, 2))[0, 0],
                    "The matrices are used as they stand.",
                    (
                        "Cross-Correlation vs. Convolution",
                        "image-convolution#cross-correlation-vs-convolution",
                    ),
                ),
            ],
            why="Channel 0 gives 19, channel 1 gives 1·1 + 2·2 + 4·3 + 5·4 = 37, and "
            "19 + 37 = 56.",
            see=INPUTS,
        ),
        Shape(
            ask="And what shape does the whole output have?",
            names=("channels", "height", "width"),
            answer=total[None].shape,
            mistakes=[
                Mistake(
                    "a map for each input channel",
                    maps.shape,
                    "The two maps are added into one. A kernel makes <em>one</em> map, "
                    "however many channels it reads.",
                ),
                Mistake(
                    "nothing lost at the border",
                    (1, *X.shape[1:]),
                    "One map is right; but a window of 2 has only two places along an "
                    "axis of 3.",
                ),
            ],
            why="One kernel, one map, of (3 − 2 + 1) × (3 − 2 + 1).",
            see=INPUTS,
        ),
    ]


def _what_zip_does() -> str:
    """Run the three lines with a channel too many; say what comes of it."""
    X, K = _two_channels()
    wild = torch.cat((X, torch.full((1, 3, 3), 10**6)))
    try:
        result = sum(
            (corr2d(x, k) for x, k in zip(wild, K)),  # noqa: B905
            start=torch.zeros(()),
        )
    except (ValueError, RuntimeError):
        return "error"
    return "same" if torch.equal(result, corr2d_multi_in(X, K)) else "million"


def trap() -> list[Question]:
    """Ask what the listing does with a channel too many."""
    return [
        Choice(
            ask="The image gets a third channel, a million in every pixel. The kernel "
            "still has two matrices. What does <code>sum(corr2d(x, k) for x, k in "
            "zip(X, K))</code> give?",
            answer=_what_zip_does(),
            options={
                "An error about the number of channels.": "error",
                "The same numbers as before.": "same",
                "Numbers of a million and more.": "million",
            },
            mistakes=[
                Mistake(
                    "<code>zip</code> taken to check lengths",
                    "error",
                    "It does so only with <code>strict=True</code>.",
                ),
                Mistake(
                    "every channel taken to count",
                    "million",
                    "There is no third matrix to multiply it by.",
                ),
            ],
            why="<code>zip</code> stops, without a word, when the shorter of the two "
            "ends. The third channel is never looked at.",
            see=TRAP,
        )
    ]


def layer() -> list[Question]:
    """Ask for shape and number of a layer's weights."""
    c_i, c_o, k = 3, 16, (5, 3)
    conv = nn.Conv2d(c_i, c_o, kernel_size=k)
    weight = tuple(conv.weight.shape)
    return [
        Shape(
            ask="What shape has the weight of <code>nn.Conv2d(3, 16, kernel_size=(5, "
            "3))</code>?",
            names=("first", "second", "third", "fourth"),
            answer=weight,
            mistakes=[
                Mistake(
                    "input channels first",
                    tuple(conv.weight.transpose(0, 1).shape),
                    "The constructor asks for input, then output; the weight is stored "
                    "output first, one kernel after the other.",
                ),
                Mistake(
                    "channels last",
                    tuple(conv.weight.permute(0, 2, 3, 1).shape),
                    "In PyTorch the channel axes stand before height and width.",
                ),
                Mistake(
                    "one matrix for all input channels",
                    tuple(nn.Conv2d(1, c_o, k).weight.shape),
                    "Every kernel has a matrix for each of the three input channels.",
                    INPUTS,
                ),
            ],
            why="(<i>c</i><sub>o</sub>, <i>c</i><sub>i</sub>, <i>k</i><sub>h</sub>, "
            "<i>k</i><sub>w</sub>): 16 kernels, each of 3 matrices of 5 × 3.",
            see=OUTPUTS,
        ),
        Number(
            ask="How many parameters does that layer have?",
            answer=_parameters(conv),
            mistakes=[
                Mistake(
                    "forgotten bias",
                    _parameters(nn.Conv2d(c_i, c_o, k, bias=False)),
                    "Each of the 16 maps has a bias, too.",
                ),
                Mistake(
                    "one bias for the whole layer",
                    conv.weight.numel() + 1,
                    "There is one bias for each output channel.",
                ),
                Mistake(
                    "a bias for each pair of channels",
                    conv.weight.numel() + c_i * c_o,
                    "The bias is added once, after the sum over the input channels.",
                ),
                Mistake(
                    "input channels forgotten",
                    _parameters(nn.Conv2d(1, c_o, k)),
                    "Every kernel has a matrix for each of the three input channels.",
                    INPUTS,
                ),
            ],
            why="16 · 3 · 5 · 3 = 720 weights and 16 biases.",
            see=OUTPUTS,
        ),
    ]


def cost() -> list[Question]:
    """Ask what doubling does to work and weights."""

    def ledger(c_i: int, c_o: int, k: int, size: int) -> tuple[int, int]:
        net = nn.Sequential(nn.Conv2d(c_i, c_o, k, padding=k // 2, bias=False))
        book = cost_ledger(net, (1, c_i, size, size))
        return book.multiply_adds, book.parameters

    work, weights = ledger(4, 4, 3, 8)
    return [
        Number(
            ask="Both channel counts, in and out, are doubled. By which factor does "
            "the number of multiply-adds grow?",
            answer=ledger(8, 8, 3, 8)[0] / work,
            mistakes=[
                Mistake(
                    "one of the two forgotten",
                    ledger(8, 4, 3, 8)[0] / work,
                    "<i>c</i><sub>i</sub> and <i>c</i><sub>o</sub> both double, and "
                    "both are factors.",
                ),
                Mistake(
                    "the picture doubled, too",
                    ledger(8, 8, 3, 16)[0] / work,
                    "Height and width stay as they are.",
                ),
            ],
            why="The cost is a product of <i>h</i>, <i>w</i>, <i>k</i>², "
            "<i>c</i><sub>i</sub> and <i>c</i><sub>o</sub>; two of them double.",
            see=COST,
        ),
        Number(
            ask="The channels are as before; height and width of the picture are "
            "doubled. By which factor does the number of <em>weights</em> grow?",
            answer=ledger(4, 4, 3, 16)[1] / weights,
            mistakes=[
                Mistake(
                    "work taken for weights",
                    ledger(4, 4, 3, 16)[0] / work,
                    "That is the factor of the work. The same weights are used at more "
                    "places.",
                ),
                Mistake(
                    "one axis of the work",
                    ledger(4, 4, 3, 16)[0] / work / 2,
                    "Not even along one axis: the kernel does not know how large the "
                    "picture is.",
                ),
            ],
            why="Not at all: <i>k</i>² <i>c</i><sub>i</sub> <i>c</i><sub>o</sub> says "
            "nothing of height and width.",
            see=COST,
        ),
    ]


def one_by_one() -> list[Question]:
    """Ask for the parameters of a 1×1 layer."""
    c_i, c_o, size = 64, 32, 28
    conv = nn.Conv2d(c_i, c_o, kernel_size=1)
    return [
        Number(
            ask="A 1 × 1 convolution takes 64 maps of 28 × 28 to 32 maps, with a bias. "
            "How many parameters does it have?",
            answer=_parameters(conv),
            mistakes=[
                Mistake(
                    "forgotten bias",
                    conv.weight.numel(),
                    "Each of the 32 maps has a bias, too.",
                    OUTPUTS,
                ),
                Mistake(
                    "a matrix for each pixel",
                    size * size * _parameters(conv),
                    "All pixels share one matrix.",
                ),
                Mistake(
                    "input channels forgotten",
                    _parameters(nn.Conv2d(1, c_o, 1)),
                    "A window of one pixel still reads all 64 channels.",
                ),
            ],
            why="A 32 × 64 matrix and 32 biases, shared by all pixels: what "
            "<code>nn.Linear(64, 32)</code> has.",
            see=ONE,
        )
    ]


def unfolded() -> list[Question]:
    """Ask for the size of the matrix of windows."""
    X = torch.zeros(1, 3, 28, 28)
    columns = F.unfold(X, kernel_size=5)[0]
    return [
        Shape(
            ask="An image of 3 × 28 × 28, windows of 5 × 5, stride 1. Every window is "
            "copied into a column of a matrix. What size has the matrix?",
            names=("rows", "columns"),
            answer=columns.shape,
            mistakes=[
                Mistake(
                    "input channels forgotten",
                    F.unfold(X[:, :1], kernel_size=5)[0].shape,
                    "A window goes through all three channels.",
                    INPUTS,
                ),
                Mistake(
                    "a window at every pixel",
                    F.unfold(X, kernel_size=5, padding=2)[0].shape,
                    "Without padding a window of 5 has 28 − 5 + 1 = 24 places along an "
                    "axis.",
                ),
                Mistake(
                    "rows and columns exchanged",
                    columns.T.shape,
                    "A window is a <em>column</em> here, so that the kernels, as rows, "
                    "can be multiplied from the left.",
                ),
            ],
            why="3 · 5 · 5 = 75 numbers in a window, and 24 · 24 = 576 windows.",
            see=UNFOLDED,
        )
    ]
