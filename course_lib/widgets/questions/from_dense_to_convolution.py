"""Questions of the page that ties the weights of a dense layer."""

import torch
from torch import nn

from course_lib.convolution import conv2d_true, corr2d

from ..quiz import Cells, Choice, Mistake, Number, Question
from .pictures import matrices

PAGE = "from-dense-to-convolution"
LIMITS = ("Limitations of Multilayer Perceptrons", f"{PAGE}#equation-eq-dense-grid")
TRANSLATION = ("The first wish: translation", f"{PAGE}#the-first-wish-translation")
LOCALITY = ("The second wish: locality", f"{PAGE}#the-second-wish-locality")
INVARIANCE = ("Invariance", f"{PAGE}#equation-eq-equivariance")
CONVOLUTION = ("Convolution", f"{PAGE}#equation-eq-convolution-discrete")
CHANNELS = ("Channels", f"{PAGE}#channels")


def dense_weights() -> list[Question]:
    """Ask what a dense layer on a megapixel costs."""
    pixels, hidden = 1000 * 1000, 1000
    weight = nn.Linear(pixels, hidden, device="meta").weight
    gigabytes = weight.numel() * weight.element_size() / 1e9
    return [
        Number(
            ask="A dense layer leads from a picture of 1000 × 1000 pixels to 1,000 "
            "hidden units. How many weights does it have?",
            answer=weight.numel(),
            mistakes=[
                Mistake(
                    "one weight for each pixel",
                    weight.shape[1],
                    "That serves a single unit. Every unit has weights of its own.",
                ),
                Mistake(
                    "pixels and units added",
                    sum(weight.shape),
                    "A dense layer joins every pixel with every unit, so the two "
                    "numbers are multiplied.",
                ),
            ],
            why="Every one of 10<sup>6</sup> pixels is joined with every one of "
            "10<sup>3</sup> units.",
            see=LIMITS,
        ),
        Number(
            ask="How much memory do these weights take as <code>float32</code>?",
            unit="GB",
            answer=gigabytes,
            mistakes=[
                Mistake(
                    "one byte for each weight",
                    gigabytes / weight.element_size(),
                    "A <code>float32</code> has 32 bits; a byte has 8.",
                ),
                Mistake(
                    "bits taken for bytes",
                    8 * gigabytes,
                    "The 32 counts bits. Eight of them are a byte.",
                ),
                Mistake(
                    "double precision",
                    weight.numel() * torch.finfo(torch.float64).bits / 8e9,
                    "That would be <code>float64</code>.",
                ),
            ],
            why="Four bytes for each of 10<sup>9</sup> weights, before a single "
            "gradient is stored.",
            see=LIMITS,
        ),
    ]


def offsets() -> list[Question]:
    """Ask how many weights are left when only the offset counts."""
    n = 1000
    along = len({k - i for i in (0, n - 1) for k in range(n)})
    return [
        Number(
            ask="Input and output have 1000 × 1000 positions. If a weight may depend "
            "only on the <em>offset</em> (<i>a</i>, <i>b</i>) from the output position "
            "to the input position, how many different weights are there?",
            answer=along**2,
            mistakes=[
                Mistake(
                    "offsets to one side only",
                    len(range(n)) ** 2,
                    "An input pixel may also lie above or to the left: offsets are "
                    "negative, too.",
                ),
                Mistake(
                    "zero counted twice",
                    (2 * n) ** 2,
                    "From −999 to 999 there are 1,999 whole numbers, not 2,000.",
                ),
                Mistake(
                    "one offset too far",
                    len(range(-n, n + 1)) ** 2,
                    "Two of 1000 positions are never more than 999 apart.",
                ),
                Mistake(
                    "one axis only", along, "Rows and columns each have an offset."
                ),
            ],
            why="Along each axis the offset runs from −999 to 999, which are "
            f"2·1000 − 1 = {along:,} values; squared for two axes.",
            see=TRANSLATION,
        )
    ]


def _kernel(delta: int) -> int:
    return nn.Conv2d(1, 1, kernel_size=2 * delta + 1).weight.numel()


def _without_middle(delta: int) -> int:
    """Count the weights as texts do that give the layer 4Δ² of them."""
    return 4 * delta**2


def locality() -> list[Question]:
    """Ask how many weights a neighbourhood has."""
    delta = 2
    return [
        Number(
            ask="Now |<i>a</i>| and |<i>b</i>| may be at most Δ. How many weights has "
            "<b>V</b> for Δ = 2?",
            answer=_kernel(delta),
            mistakes=[
                Mistake(
                    "the middle forgotten",
                    _without_middle(delta),
                    "Between −Δ and Δ lies 0: there are 2Δ + 1 offsets, not 2Δ.",
                ),
                Mistake(
                    "offsets to one side only",
                    (delta + 1) ** 2,
                    "The neighbourhood reaches Δ pixels to <em>both</em> sides.",
                ),
                Mistake(
                    "one axis only",
                    len(range(-delta, delta + 1)),
                    "That is one row of <b>V</b>.",
                ),
            ],
            why="(2Δ + 1)<sup>2</sup>: five offsets along each axis.",
            see=LOCALITY,
        ),
        Number(
            ask="And for Δ = 0?",
            answer=_kernel(0),
            mistakes=[
                Mistake(
                    "the middle forgotten",
                    _without_middle(0),
                    "The pixel at the position itself is still looked at.",
                ),
            ],
            why="One weight is left, for the pixel itself.",
            see=LOCALITY,
        ),
    ]


def polynomial() -> list[Question]:
    """Ask for a convolution in one dimension."""
    f, g = torch.tensor([[1, 2]]), torch.tensor([[3, 4]])
    padded = torch.nn.functional.pad(f, (1, 1))
    product = conv2d_true(padded, g)
    return [
        Cells(
            ask="What is (1, 2) ∗ (3, 4) by the sum over <i>f</i><sub>a</sub> "
            "<i>g</i><sub>i−a</sub>, for <i>i</i> = 0, 1, 2?",
            answer=product,
            name="f ∗ g",
            mistakes=[
                Mistake(
                    "<i>g</i> not flipped",
                    corr2d(padded, g),
                    "The two indices of each product must add up to <i>i</i>; yours "
                    "keep a constant difference. That is the cross-correlation.",
                ),
                Mistake(
                    "both flipped",
                    product.flip(1),
                    "Only one of the two is flipped, or the result comes out "
                    "backwards.",
                ),
            ],
            why="1·3 = 3, then 1·4 + 2·3 = 10, then 2·4 = 8. It is the product of two "
            "polynomials: (1 + 2<i>x</i>)(3 + 4<i>x</i>) = "
            "3 + 10<i>x</i> + 8<i>x</i><sup>2</sup>.",
            reveal=matrices(
                "The numbers 1 and 2, padded with zeros; below them slides 4, 3, the "
                "flipped g; the sums are 3, 10 and 8.",
                input_f=padded,
                flipped_kernel_g=g.flip(1),
                output=product,
            ),
            see=CONVOLUTION,
        )
    ]


def equivariance() -> list[Question]:
    """Ask what a shift does to the map and to its sum."""
    generator = torch.Generator().manual_seed(0)
    width, first, motif, k = 12, 2, 3, 3
    picture = torch.zeros(10, width)
    picture[3:6, first : first + motif] = torch.rand(3, motif, generator=generator)
    kernel = torch.randn(k, k, generator=generator)
    still = corr2d(picture, kernel)

    def moves_along(shift: int) -> bool:
        moved = corr2d(torch.roll(picture, shift, dims=1), kernel)
        return torch.equal(moved, torch.roll(still, shift, dims=1))

    farthest = next(s for s in range(width) if not moves_along(s + 1))
    moved = corr2d(torch.roll(picture, 3, dims=1), kernel)
    same_sum = torch.allclose(moved.sum(), still.sum())
    return [
        Choice(
            ask="A picture is moved three columns to the right; its content stays "
            "clear of the border. A kernel slides over the old and over the new "
            "picture. What becomes of the map, and of the <em>sum</em> of the map?",
            answer=(moves_along(3), torch.equal(moved, still), same_sum),
            options={
                "The map moves by three columns; its sum stays.": (True, False, True),
                "Both stay as they were.": (False, True, True),
                "The map moves by three columns; its sum changes.": (
                    True,
                    False,
                    False,
                ),
            },
            mistakes=[
                Mistake(
                    "equivariance taken for invariance",
                    (False, True, True),
                    "The kernel finds the same things, but finds them elsewhere: the "
                    "map moves with the picture.",
                    INVARIANCE,
                ),
                Mistake(
                    "the sum taken to have a place",
                    (True, False, False),
                    "The same numbers stand in other columns. A sum does not ask "
                    "where.",
                    INVARIANCE,
                ),
            ],
            why="The map is equivariant: it moves along. Its sum is invariant.",
            see=INVARIANCE,
        ),
        Number(
            ask="The picture has 12 columns, a motif in columns 2 to 4 and zeros "
            "elsewhere. The kernel is 3 × 3. By how many columns can the motif move "
            "to the right (what leaves comes back on the left) before the map stops "
            "moving along?",
            answer=farthest,
            mistakes=[
                Mistake(
                    "the picture's border taken for the map's",
                    width - (first + motif),
                    "The motif still fits, but the map has only 12 − 3 + 1 = 10 "
                    "columns, and its response ends before the motif does.",
                    CONVOLUTION,
                ),
                Mistake(
                    "places counted in place of steps",
                    still.shape[1] - (first + motif - 1),
                    "From column 4 to column 9 of the map it is five steps; the sixth "
                    "leaves the map.",
                    CONVOLUTION,
                ),
            ],
            why="The windows that touch the motif start in columns 0 to 4. The map "
            "ends with column 9, so the response can move by 9 − 4 = 5.",
            see=CONVOLUTION,
        ),
    ]


def channels() -> list[Question]:
    """Ask for the number of weights with channels."""
    c_i, c_o, delta = 3, 64, 2
    layer = nn.Conv2d(c_i, c_o, kernel_size=2 * delta + 1)
    return [
        Number(
            ask="With Δ = 2, three channels in and 64 out: how many weights does the "
            "layer have, not counting biases?",
            answer=layer.weight.numel(),
            mistakes=[
                Mistake(
                    "the input channels forgotten",
                    nn.Conv2d(1, c_o, 2 * delta + 1).weight.numel(),
                    "Each output channel has a weight for each <em>input</em> channel "
                    "at each offset.",
                ),
                Mistake(
                    "channels added",
                    _kernel(delta) * (c_i + c_o),
                    "Along the channels the layer is dense: every pair has its "
                    "weights.",
                ),
                Mistake(
                    "the middle forgotten",
                    _without_middle(delta) * c_i * c_o,
                    "There are 2Δ + 1 offsets along an axis, not 2Δ.",
                    LOCALITY,
                ),
                Mistake(
                    "biases counted",
                    sum(p.numel() for p in layer.parameters()),
                    "Right, with 64 biases on top; the question leaves them out.",
                ),
            ],
            why="(2Δ + 1)<sup>2</sup> · <i>c</i><sub>i</sub> · <i>c</i><sub>o</sub> "
            "= 25 · 3 · 64.",
            see=CHANNELS,
        )
    ]
