"""Questions of the page that slides a kernel over a picture."""

import torch
import torch.nn.functional as F

from course_lib.convolution import Conv2D, conv2d_true, corr2d
from course_lib.geometry import Window, output_shape, receptive_field

from ..quiz import Cells, Mistake, Number, Question, Shape
from .pictures import matrices

PAGE = "image-convolution"
OPERATION = ("Cross-Correlation Operation", f"{PAGE}#fig-cross-correlation")
SIZE = ("Cross-Correlation Operation", f"{PAGE}#equation-eq-valid-size")
LAYER = ("Convolutional Layer", f"{PAGE}#convolutional-layer")
EDGES = ("Edge Detection in Images", f"{PAGE}#edge-detection-in-images")
RATE = ("Why 0.03 works and 0.034 does not", f"{PAGE}#equation-eq-step-limit")
FLIP = (
    "Cross-Correlation vs. Convolution",
    f"{PAGE}#cross-correlation-vs-convolution",
)
FIELD = (
    "Feature Maps and Receptive Fields",
    f"{PAGE}#equation-eq-receptive-field",
)


def _numbers() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.arange(9).reshape(3, 3), torch.arange(4).reshape(2, 2)


def _edge_image() -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.ones(6, 8, dtype=torch.int64)
    image[:, 2:6] = 0
    return image, torch.tensor([[1, -1]])


def first_output() -> list[Question]:
    """Ask for the smallest cross-correlation, cell by cell."""
    X, K = _numbers()
    Y = corr2d(X, K)
    return [
        Cells(
            ask="Slide the kernel over the input, multiply and add. What are the four "
            "outputs?",
            picture=matrices(
                "The input holds 0 to 8 in three rows, the kernel 0 and 1 over 2 and "
                "3.",
                input=X,
                kernel=K,
            ),
            answer=Y,
            mistakes=[
                Mistake(
                    "flipped kernel",
                    conv2d_true(X, K),
                    "You turned the kernel by 180° first. That is true convolution; "
                    "here the kernel is used as it stands.",
                    FLIP,
                ),
                Mistake(
                    "transposed kernel",
                    corr2d(X, K.T),
                    "The second weight, 1, stands to the <em>right</em> of the first "
                    "and meets the pixel to the right.",
                ),
                Mistake(
                    "pixels added, weights forgotten",
                    corr2d(X, torch.ones_like(K)),
                    "Every pixel is multiplied by the weight that lies on it.",
                ),
            ],
            why="0·0 + 1·1 + 3·2 + 4·3 = 19, and so on, one window at a time.",
            see=OPERATION,
        )
    ]


def size() -> list[Question]:
    """Ask how much smaller the output is."""
    n, k = (5, 7), (2, 3)
    return [
        Shape(
            ask="A kernel of 2 × 3 (height × width) slides over an input of 5 × 7. "
            "What size has the output?",
            answer=output_shape(n, k),
            mistakes=[
                Mistake(
                    "the + 1 forgotten",
                    [a - b for a, b in zip(n, k, strict=True)],
                    "That counts the steps. The place before the first step counts, "
                    "too.",
                ),
                Mistake(
                    "height and width of the kernel exchanged",
                    output_shape(n, k[::-1]),
                    "Heights go with heights: 5 and 2, then 7 and 3.",
                ),
                Mistake(
                    "windows side by side",
                    output_shape(n, k, stride=k),
                    "The window moves by <em>one</em> pixel, so neighbours overlap.",
                ),
                Mistake(
                    "nothing lost at the border",
                    n,
                    "The window must stay inside the picture, so it has fewer places "
                    "than there are pixels.",
                ),
            ],
            why="5 − 2 + 1 = 4 rows and 7 − 3 + 1 = 5 columns.",
            see=SIZE,
        )
    ]


def weight_gradient() -> list[Question]:
    """Ask how a shared weight collects its gradient."""
    X, _ = _numbers()
    layer = Conv2D((2, 2))
    layer(X.float()).sum().backward()
    gradient = layer.weight.grad
    assert gradient is not None
    return [
        Cells(
            ask="The loss is the <em>sum</em> of the four outputs of a 2 × 2 kernel on "
            "the input 0 … 8. What is the gradient with respect to the four weights?",
            picture=matrices("The input holds 0 to 8 in three rows.", input=X),
            answer=gradient,
            name="gradient",
            mistakes=[
                Mistake(
                    "one window only",
                    X[:2, :2],
                    "The same weight is used in all four windows, and each adds to its "
                    "gradient.",
                ),
                Mistake(
                    "an average over the windows",
                    gradient / 4,
                    "Nothing is divided: the loss is a sum, and so is the gradient.",
                ),
                Mistake(
                    "flipped kernel",
                    gradient.flip(0, 1),
                    "The first weight meets the upper left pixel of each window.",
                ),
            ],
            why="The first weight meets 0, 1, 3 and 4, one in each window: 8 in all.",
            see=LAYER,
        )
    ]


def edges() -> list[Question]:
    """Ask what [1, −1] makes of two edges."""
    image, kernel = _edge_image()
    row = image[:1]
    answer = corr2d(row, kernel)
    return [
        Cells(
            ask="The kernel [1, −1] slides along one row of the picture. What comes "
            "out?",
            picture=matrices(
                "A row of eight pixels: 1, 1, 0, 0, 0, 0, 1, 1; and the kernel 1, −1.",
                input=row,
                kernel=kernel,
            ),
            answer=answer,
            mistakes=[
                Mistake(
                    "flipped kernel",
                    conv2d_true(row, kernel),
                    "The left pixel is multiplied by 1, the right one by −1: left "
                    "minus right.",
                ),
                Mistake(
                    "sign forgotten",
                    answer.abs(),
                    "From black to white the difference is 0 − 1, and negative.",
                ),
                Mistake(
                    "counted from the wrong side of the edge",
                    answer.roll(1, dims=1),
                    "An output stands where its window <em>begins</em>, at the left "
                    "one of the two pixels.",
                ),
            ],
            why="Each output is a pixel minus its right-hand neighbour: 1 − 0 = 1 "
            "where white turns to black, 0 − 1 = −1 where black turns to white.",
            see=EDGES,
        )
    ]


def sideways() -> list[Question]:
    """Ask what the kernel sees of horizontal edges."""
    image, kernel = _edge_image()
    blind = corr2d(image.T, kernel)
    return [
        Number(
            ask="The picture (6 × 8, black in four columns) is turned on its side, so "
            "that its edges run horizontally. The kernel [1, −1] is not turned. How "
            "many outputs are not zero?",
            answer=int(blind.count_nonzero()),
            mistakes=[
                Mistake(
                    "the kernel turned too",
                    int(corr2d(image.T, kernel.T).count_nonzero()),
                    "The kernel still compares pixels <em>along a row</em>, and along "
                    "every row the turned picture is constant.",
                ),
                Mistake(
                    "every output counted",
                    blind.numel(),
                    "That is the number of outputs. Look at what each window covers.",
                ),
            ],
            why="Each row has a single colour, so every difference along it is 0.",
            see=EDGES,
        )
    ]


def learning_rate() -> list[Question]:
    """Ask where gradient descent becomes unstable."""
    image, _ = _edge_image()
    batch = image.float()[None, None]
    A = F.unfold(batch, kernel_size=(1, 2))[0].T  # (42, 2)
    G = A.T @ A
    low, high = torch.linalg.eigvalsh(2 * G).tolist()
    lr = 0.03
    return [
        Number(
            ask="The curvatures are 12 and 60. One step multiplies the error along a "
            "direction of curvature λ by 1 − ηλ. By what is the error along [1, 1] "
            "multiplied for η = 0.03?",
            answer=1 - lr * high,
            tolerance=0.004,
            mistakes=[
                Mistake(
                    "the other direction",
                    1 - lr * low,
                    "12 belongs to [1, −1]; along [1, 1] the curvature is 60.",
                ),
                Mistake(
                    "sign forgotten",
                    lr * high - 1,
                    "0.03 · 60 is more than 1: the step goes <em>past</em> the "
                    "minimum.",
                ),
                Mistake(
                    "the step added",
                    lr * high,
                    "That is what is taken away; subtract it from 1.",
                ),
            ],
            why="1 − 0.03 · 60 = −0.8. The sign makes the error change sides at every "
            "step; the size, less than 1, makes it shrink.",
            see=RATE,
        ),
        Number(
            ask="What is the largest learning rate below which the descent converges?",
            answer=2 / high,
            tolerance=0.0004,
            mistakes=[
                Mistake(
                    "the small curvature taken",
                    2 / low,
                    "Both factors must stay between −1 and 1; the larger curvature "
                    "gives way first.",
                ),
                Mistake(
                    "overshooting taken for diverging",
                    1 / high,
                    "There the factor is 0, the fastest way down. Up to a factor of −1 "
                    "the error still shrinks.",
                ),
                Mistake(
                    "the 2 of 2<b>G</b> forgotten",
                    2 / (high / 2),
                    "The gradient of <b>e</b>ᵀ<b>Ge</b> is 2<b>Ge</b>, so the "
                    "curvature is 60, not 30.",
                ),
            ],
            why="1 − 60η must exceed −1, so η < 2/60 = 1/30. The 0.03 of this section "
            "is at 90 % of that.",
            see=RATE,
        ),
    ]


def flipped() -> list[Question]:
    """Ask for a true convolution."""
    X, K = _numbers()
    return [
        Cells(
            ask="The same input and kernel once more, now by <em>true "
            "convolution</em>. What are the four outputs?",
            picture=matrices(
                "The input holds 0 to 8 in three rows, the kernel 0 and 1 over 2 and "
                "3.",
                input=X,
                kernel=K,
            ),
            answer=conv2d_true(X, K),
            mistakes=[
                Mistake(
                    "kernel not flipped",
                    corr2d(X, K),
                    "These are the numbers of the cross-correlation.",
                    OPERATION,
                ),
                Mistake(
                    "flipped left to right only",
                    corr2d(X, K.flip(1)),
                    "True convolution flips top to bottom as well: a half turn.",
                ),
                Mistake(
                    "flipped top to bottom only",
                    corr2d(X, K.flip(0)),
                    "True convolution flips left to right as well: a half turn.",
                ),
            ],
            why="The kernel becomes 3, 2 over 1, 0, and then slides as before: "
            "0·3 + 1·2 + 3·1 + 4·0 = 5.",
            reveal=matrices(
                "The input, the flipped kernel 3 and 2 over 1 and 0, and the output 5, "
                "11, 23, 29.",
                input=X,
                flipped_kernel=K.flip(0, 1),
                output=conv2d_true(X, K),
            ),
            see=FLIP,
        )
    ]


def field() -> list[Question]:
    """Ask how far a unit sees after a few layers."""
    k, depth = 3, 3
    return [
        Number(
            ask="Three layers with 3 × 3 kernels, stride 1. How many input pixels, "
            "along one axis, can influence one unit of the third layer?",
            answer=receptive_field([Window(k)] * depth).size,
            mistakes=[
                Mistake(
                    "kernel sizes added",
                    k * depth,
                    "Neighbouring windows overlap: each layer adds only "
                    "<i>k</i> − 1 = 2.",
                ),
                Mistake(
                    "kernel sizes multiplied",
                    k**depth,
                    "That needs a stride of 3. With stride 1 neighbouring windows "
                    "share all but one pixel.",
                ),
                Mistake(
                    "one layer too few",
                    receptive_field([Window(k)] * (depth - 1)).size,
                    "That is what a unit of the second layer sees.",
                ),
                Mistake(
                    "the last layer only",
                    receptive_field([Window(k)]).size,
                    "These are three units of the layer below, and each of them has a "
                    "field of its own.",
                ),
            ],
            why="1 + 2 + 2 + 2 = 7: each layer adds <i>k</i> − 1.",
            see=FIELD,
        )
    ]
