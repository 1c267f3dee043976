"""Questions of the page on LeNet."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.geometry import Window, receptive_field
from course_lib.lenet import LayerCost, LeNet, cost_ledger

from ..quiz import Choice, Mistake, Number, Question, Shape

PAGE = "lenet"
ARCHITECTURE = ("LeNet Architecture", f"{PAGE}#lenet-architecture")
TRACE = ("LeNet Architecture", f"{PAGE}#par-trace")
LEDGER = (
    "Where the weights are, and where the work is",
    f"{PAGE}#where-the-weights-are-and-where-the-work-is",
)
FIELD = ("What a unit sees", f"{PAGE}#what-a-unit-sees")
TRAINING = ("Model Training", f"{PAGE}#model-training")
CHANCE = ("Why it sits at chance at first", f"{PAGE}#why-it-sits-at-chance-at-first")
SLOPE = ("Why it sits at chance at first", f"{PAGE}#par-bottlenecks")


def _shape_after(layers: int) -> tuple[int, ...]:
    with torch.no_grad():
        return tuple(LeNet()[:layers](torch.zeros(1, 1, 28, 28))[0].shape)


def trace() -> list[Question]:
    """Ask for shapes on the way through LeNet."""
    second = LeNet()[3]
    assert isinstance(second, nn.Conv2d)
    first_pool = torch.zeros(1, *_shape_after(3))
    padded = nn.Conv2d(6, 16, kernel_size=5, padding=2)
    unpooled = torch.zeros(1, *_shape_after(2))
    channels, height, width = _shape_after(4)
    return [
        Shape(
            ask="What shape leaves the <em>second</em> convolution, for one picture of "
            "28 × 28?",
            names=("channels", "height", "width"),
            answer=(channels, height, width),
            mistakes=[
                Mistake(
                    "padded like the first",
                    padded(first_pool)[0].shape,
                    "Only the first convolution has <code>padding=2</code>.",
                ),
                Mistake(
                    "pooling forgotten",
                    second(unpooled)[0].shape,
                    "Between the two convolutions a pooling layer halves 28 to 14.",
                ),
                Mistake(
                    "the + 1 forgotten",
                    (channels, height - 1, width - 1),
                    "14 − 5 counts the steps of the window; it has one place more.",
                    (
                        "Cross-Correlation Operation",
                        "image-convolution#equation-eq-valid-size",
                    ),
                ),
                Mistake(
                    "input channels kept",
                    (second.in_channels, height, width),
                    "A convolution makes one map for each kernel, and there are 16.",
                    ("Multiple Output Channels", "channels#multiple-output-channels"),
                ),
            ],
            why="28 is kept by the padding, halved to 14, and 14 − 5 + 1 = 10.",
            see=TRACE,
        ),
        Number(
            ask="How many numbers does <code>Flatten</code> lay in a row?",
            answer=math.prod(_shape_after(7)),
            mistakes=[
                Mistake(
                    "the last pooling forgotten",
                    math.prod(_shape_after(5)),
                    "The second pooling still halves 10 to 5.",
                ),
                Mistake(
                    "channels forgotten",
                    math.prod(_shape_after(6)[1:]),
                    "That is one map; there are 16 of them.",
                ),
            ],
            why="16 maps of 5 × 5.",
            see=TRACE,
        ),
    ]


def ledger() -> list[Question]:
    """Ask where the parameters and where the multiply-adds are."""
    first = LeNet()[0]
    assert isinstance(first, nn.Conv2d)
    rows = [row for row in cost_ledger(LeNet(), (1, 1, 28, 28)) if row.parameters]
    conv1, conv2, dense1, dense2, _ = (row.name for row in rows)
    options = {
        "the first convolution, 1 → 6": conv1,
        "the second convolution, 6 → 16": conv2,
        "the first dense layer, 400 → 120": dense1,
        "the second dense layer, 120 → 84": dense2,
    }

    def most(column: str) -> str:
        return max(rows, key=lambda row: getattr(row, column)).name

    def row(name: str) -> LayerCost:
        return next(row for row in rows if row.name == name)

    return [
        Number(
            ask="How many parameters does the first convolution have, "
            "<code>nn.Conv2d(1, 6, kernel_size=5, padding=2)</code>?",
            answer=sum(p.numel() for p in first.parameters()),
            mistakes=[
                Mistake(
                    "forgotten bias",
                    first.weight.numel(),
                    "Each of the six maps has a bias.",
                ),
                Mistake(
                    "one bias for the whole layer",
                    first.weight.numel() + 1,
                    "There is one bias for each output channel.",
                ),
                Mistake(
                    "a side of the kernel taken for its area",
                    sum(p.numel() for p in nn.Conv2d(1, 6, (5, 1)).parameters()),
                    "<code>kernel_size=5</code> means 5 × 5.",
                ),
                Mistake(
                    "padding counted",
                    sum(p.numel() for p in nn.Conv2d(1, 6, 5 + 2 * 2).parameters()),
                    "Padding enlarges the input; it adds no weight.",
                ),
            ],
            why="6 · 1 · 5 · 5 = 150 weights and 6 biases.",
            see=LEDGER,
        ),
        Choice(
            ask="Which layer has the most <em>parameters</em>?",
            answer=most("parameters"),
            options=options,
            mistakes=[
                Mistake(
                    "work taken for weights",
                    conv2,
                    f"It has {row(conv2).parameters:,} parameters, and uses each of "
                    "them at 100 places.",
                ),
                Mistake(
                    "large maps taken for many weights",
                    conv1,
                    f"Its maps are the largest, its {row(conv1).parameters} parameters "
                    "the fewest.",
                ),
                Mistake(
                    "the wide layer overlooked",
                    dense2,
                    f"It has {row(dense2).parameters:,}; the layer before it reads 400 "
                    "numbers.",
                ),
            ],
            why=f"{row(dense1).parameters:,} of "
            f"{sum(r.parameters for r in rows):,}: 400 · 120 and 120 biases.",
            see=LEDGER,
        ),
        Choice(
            ask="And which layer does the most <em>work</em> (multiply-adds)?",
            answer=most("multiply_adds"),
            options=options,
            mistakes=[
                Mistake(
                    "weights taken for work",
                    dense1,
                    "A dense weight is used once for each picture, "
                    f"{row(dense1).multiply_adds:,} times in all.",
                ),
                Mistake(
                    "channels forgotten",
                    conv1,
                    "It has more places, 784 to 100, but far fewer weights for each: "
                    "25 against 150 for a map.",
                ),
                Mistake(
                    "the dense part overrated",
                    dense2,
                    f"It does {row(dense2).multiply_adds:,} multiply-adds, the fewest "
                    "of the four.",
                ),
            ],
            why=f"{row(conv2).multiply_adds:,}: 16 · 6 · 25 weights, each used at "
            "10 · 10 places.",
            see=LEDGER,
        ),
    ]


def field() -> list[Question]:
    """Ask what a unit of the last maps sees."""
    sizes, strides = (5, 2, 5, 2), (1, 2, 1, 2)
    windows = [Window(k, stride=s) for k, s in zip(sizes, strides, strict=True)]
    early = [Window(k, stride=s) for k, s in zip(sizes, (2, 1, 2, 1), strict=True)]
    return [
        Number(
            ask="Convolution 5, pooling 2 with stride 2, convolution 5, pooling 2 with "
            "stride 2. How many pixels along one axis does one number of the last maps "
            "depend on?",
            answer=receptive_field(windows).size,
            mistakes=[
                Mistake(
                    "stride ignored",
                    receptive_field([Window(k) for k in sizes]).size,
                    "After the first pooling neighbouring units stand two pixels "
                    "apart, so the second convolution reaches twice as far.",
                ),
                Mistake(
                    "window sizes added",
                    sum(sizes),
                    "Each layer adds <i>k</i> − 1, times the distance of its inputs.",
                    (
                        "Feature Maps and Receptive Fields",
                        "image-convolution#equation-eq-receptive-field",
                    ),
                ),
                Mistake(
                    "stride counted a layer too early",
                    receptive_field(early).size,
                    "A stride spreads the units of its <em>output</em>; it widens the "
                    "layers after it, not its own window.",
                    (
                        "Feature Maps and Receptive Fields",
                        "image-convolution#equation-eq-receptive-field",
                    ),
                ),
            ],
            why="1 + 4 + 1 + 2 · 4 + 2 · 1 = 16.",
            see=FIELD,
        )
    ]


def last_batch() -> list[Question]:
    """Ask how the data divide into batches."""
    sizes = [len(batch) for batch in torch.arange(60_000).split(256)]
    return [
        Number(
            ask="60,000 pictures in batches of 256. How many are in the last batch?",
            answer=sizes[-1],
            mistakes=[
                Mistake(
                    "taken to be full",
                    sizes[0],
                    "256 does not divide 60,000.",
                ),
                Mistake(
                    "what is missing, not what is there",
                    sizes[0] - sizes[-1],
                    "That many would be needed to fill it.",
                ),
                Mistake(
                    "batches counted, not pictures",
                    len(sizes),
                    "So many batches there are.",
                ),
            ],
            why="234 full batches hold 59,904 pictures; 96 are left.",
            see=TRAINING,
        )
    ]


def chance() -> list[Question]:
    """Ask for the loss of a network that knows nothing."""
    loss = F.cross_entropy(torch.zeros(1, 10), torch.tensor([0])).item()
    share = torch.zeros(10).softmax(0)[0].item()
    return [
        Number(
            ask="A network gives each of ten classes the probability 1/10. What is its "
            "cross-entropy loss, to two digits after the point?",
            answer=loss,
            tolerance=0.006,
            mistakes=[
                Mistake(
                    "probability taken for loss",
                    share,
                    "The loss is the negative <em>logarithm</em> of that.",
                ),
                Mistake(
                    "error rate taken for loss",
                    1 - share,
                    "That is how often it is wrong. The loss is a logarithm.",
                ),
                Mistake(
                    "logarithm to base 2",
                    loss / math.log(2),
                    "That is in bits. PyTorch takes the natural logarithm.",
                ),
                Mistake(
                    "logarithm to base 10",
                    loss / math.log(10),
                    "PyTorch takes the natural logarithm.",
                ),
            ],
            why="−ln(1/10) = ln 10. A loss that stays there means: no idea yet.",
            see=CHANCE,
        )
    ]


def slope() -> list[Question]:
    """Ask how steep a sigmoid is."""
    x = torch.zeros(1, requires_grad=True)
    value = torch.sigmoid(x)
    (steepest,) = torch.autograd.grad(value, x)
    (of_tanh,) = torch.autograd.grad(torch.tanh(x), x)
    return [
        Number(
            ask="How steep is a sigmoid 1/(1 + e<sup>−x</sup>) where it is steepest?",
            answer=steepest.item(),
            mistakes=[
                Mistake(
                    "value taken for slope",
                    value.item(),
                    "At 0 its <em>value</em> is one half. The slope is σ(1 − σ).",
                ),
                Mistake(
                    "tanh for sigmoid",
                    of_tanh.item(),
                    "That is the slope of tanh.",
                ),
            ],
            why="σ′ = σ(1 − σ) is largest at σ = ½. Four sigmoids in a row shrink "
            "differences by at least 4⁴ = 256.",
            see=SLOPE,
        )
    ]
