"""Hidden checks of the assignment pool2d.

PyTorch's own pooling is the oracle. The tables of slips say which wrong tensor each
known misconception would give; an answer that equals one of them gets its hint. Only
what the task text states is worth points.
"""

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from autograder.checking import (
    Case,
    CheckFailed,
    expect,
    expect_close,
    expect_not_named,
    expect_raises,
)
from autograder.student import StudentError

WINDOW = "Section 6.5.1: pooling.html#max-and-average-pooling."
LAYER = "Section 6.5.2: pooling.html#padding-and-stride."
CHANNELS = "Section 6.5.3: pooling.html#multiple-channels."
SIZES = "Section 6.3.2: padding-and-stride.html#stride."

READY_MADE = [
    *(f"*.{kind}_pool{n}d" for kind in ("max", "avg", "lp") for n in (1, 2, 3)),
    *(f"*.{kind}Pool{n}d" for kind in ("Max", "Avg", "LP") for n in (1, 2, 3)),
    *(f"*.adaptive_{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)),
    *(f"*.Adaptive{kind}Pool{n}d" for kind in ("Max", "Avg") for n in (1, 2, 3)),
    *(f"*.max_pool{n}d_with_indices" for n in (1, 2, 3)),
    *(f"*.conv{n}d" for n in (1, 2, 3)),
    *(f"*.Conv{n}d" for n in (1, 2, 3)),
    *("*.FractionalMaxPool2d", "*.fractional_max_pool2d"),
    *("scipy", "skimage", "course_lib", "d2l"),
]
OWN_WINDOWS = (
    "Move the window yourself: loops, slices, unfold, max and mean are all welcome. "
    f"{WINDOW}"
)


def pooled(X, size, stride=(1, 1), padding=(0, 0), mode="max"):
    """Return PyTorch's own pooling of (H, W) or (N, C, H, W)."""
    pool = F.max_pool2d if mode == "max" else F.avg_pool2d
    Y = pool(X.reshape(-1, 1, *X.shape[-2:]), size, stride, padding)
    return Y.reshape(*X.shape[:-2], *Y.shape[-2:])


def windows(X, size, stride=(1, 1)):
    """Return all windows, (…, H', W', h, w)."""
    return X.unfold(-2, size[0], stride[0]).unfold(-2, size[1], stride[1])


def mistakes(slips, *arguments):
    """Hint -> functions that make the wrong tensors for these arguments."""
    known: dict = {}
    for hint, wrong in slips:
        known.setdefault(hint, []).append(partial(wrong, *arguments))
    return known


def unchanged(seen, X):
    """Expect X to look as before, and the result to be a tensor of its own."""
    expect_close(
        seen.inputs[0],
        X,
        rtol=0,
        atol=0,
        hint="X was changed in place. Collect the result in a tensor of your own; an "
        "expression such as A / B makes one, A /= B overwrites A.",
    )
    expect(
        not any(seen.aliases),
        "The result shares its memory with X.",
        "Whoever changes the result would change X too. Return a new tensor.",
    )


def gradients_arrive(seen, X, how, G):
    """Expect the gradient for X that PyTorch's own operator gives."""
    broken = (
        "The chain from the result back to X is broken. .item(), float(), .detach(), "
        ".data, NumPy, torch.tensor(…) and torch.no_grad() cut it; max, mean, and "
        "writing into a new tensor do not."
    )
    X = X.clone().requires_grad_()
    (expected,) = torch.autograd.grad((pooled(X, **how) * G).sum(), X)
    expect(seen.requires_grad, "The result does not require a gradient.", broken)
    expect(seen.grads[0] is not None, "No gradient arrives at X.", broken)
    expect_close(seen.grads[0], expected, rtol=1e-3, atol=1e-5, hint=broken)


# --- pool2d ---------------------------------------------------------------------------

OTHER_MODE = (
    "This is the mean where the maximum is asked for, or the other way round: look at "
    f"what becomes of mode. {WINDOW}"
)
SMALLEST = f"This is the smallest number of each window, not the largest. {WINDOW}"
STARTS_AT_ZERO = (
    "Windows of negative numbers give 0: the search for the maximum starts at 0, or "
    f"zeros take part in it. Start with a number of the window. {WINDOW}"
)
ABSOLUTE = f"Signs got lost: the maximum of absolute values is something else. {WINDOW}"
SUM = f"This is the sum of each window; the mean divides it by h · w. {WINDOW}"
DIVIDED = (
    "The sum is divided by the wrong number: the mean of a window with h rows and w "
    f"columns is its sum divided by h · w. {WINDOW}"
)
PART = f"Only part of each window is looked at: use all rows and columns. {WINDOW}"
SIDE_BY_SIDE = (
    "The window moves by its own size; in pool2d it moves by 1, so windows overlap. "
    f"{WINDOW}"
)
STEPS_OF_TWO = f"The window moves by 2; in pool2d it moves by 1. {WINDOW}"
SWAPPED = (
    "Are height and width swapped? It shows only where they differ: pool_size is "
    f"(height, width), and rows are the first index. {WINDOW}"
)
TRANSPOSED = f"The result is transposed: rows are its first index. {WINDOW}"
SHORT = (
    "The last row or column is missing: a window of height h fits into H rows at "
    f"H − h + 1 places, not at H − h. {WINDOW}"
)
SAME_SIZE = (
    "The result is as large as the image, as if it had been padded; pool2d has no "
    f"padding. {WINDOW}"
)
WHOLE_NUMBERS = (
    "The numbers are cut to whole ones. Is the buffer for the result made with an "
    "integer dtype, or // used for the mean?"
)
MEDIAN = f"This is the median of each window, not its mean. {WINDOW}"


def same_size(X, size, mode):
    """Pool after zeros were put below and right."""
    return pooled(F.pad(X, (0, size[1] - 1, 0, size[0] - 1)), size, mode=mode)


def other(mode):
    """Return the mode that was not asked for."""
    return "avg" if mode == "max" else "max"


WINDOW_SLIPS = [
    (OTHER_MODE, lambda X, size, mode: pooled(X, size, mode=other(mode))),
    (SMALLEST, lambda X, size, mode: windows(X, size).amin((-1, -2))),
    (ABSOLUTE, lambda X, size, mode: pooled(X.abs(), size, mode=mode)),
    (STARTS_AT_ZERO, lambda X, size, mode: pooled(X, size, mode=mode).clamp(min=0)),
    (ABSOLUTE, lambda X, size, mode: pooled(X, size, mode=mode).abs()),
    (SUM, lambda X, size, mode: windows(X, size).sum((-1, -2))),
    (DIVIDED, lambda X, size, mode: windows(X, size).sum((-1, -2)) / size[0]),
    (DIVIDED, lambda X, size, mode: windows(X, size).sum((-1, -2)) / size[1]),
    (DIVIDED, lambda X, size, mode: windows(X, size).sum((-1, -2)) / sum(size)),
    (DIVIDED, lambda X, size, mode: windows(X, size).sum((-1, -2)) / 4),
    (PART, lambda X, size, mode: windows(X, size)[..., 0, :].amax(-1)),
    (PART, lambda X, size, mode: windows(X, size)[..., 0].amax(-1)),
    (PART, lambda X, size, mode: windows(X, size).diagonal(0, -2, -1).amax(-1)),
    (PART, lambda X, size, mode: windows(X, size).diagonal(0, -2, -1).mean(-1)),
    (PART, lambda X, size, mode: windows(X, size)[..., 0, 0]),
    (PART, lambda X, size, mode: windows(X, size)[..., 0, :].mean(-1)),
    (PART, lambda X, size, mode: windows(X, size)[..., 0].mean(-1)),
    (SIDE_BY_SIDE, lambda X, size, mode: pooled(X, size, size, mode=mode)),
    (STEPS_OF_TWO, lambda X, size, mode: pooled(X, size, (2, 2), mode=mode)),
    (SWAPPED, lambda X, size, mode: pooled(X, size[::-1], mode=mode)),
    (SWAPPED, lambda X, size, mode: pooled(X, (size[0], size[0]), mode=mode)),
    (SWAPPED, lambda X, size, mode: pooled(X, (size[1], size[1]), mode=mode)),
    (TRANSPOSED, lambda X, size, mode: pooled(X, size, mode=mode).mT),
    (SHORT, lambda X, size, mode: pooled(X, size, mode=mode)[..., :-1, :-1]),
    (SHORT, lambda X, size, mode: pooled(X, size, mode=mode)[..., :-1, :]),
    (SHORT, lambda X, size, mode: pooled(X, size, mode=mode)[..., :-1]),
    (SAME_SIZE, same_size),
    (WHOLE_NUMBERS, lambda X, size, mode: pooled(X, size, mode=mode).trunc()),
    (WHOLE_NUMBERS, lambda X, size, mode: pooled(X, size, mode=mode).floor()),
    (MEDIAN, lambda X, size, mode: windows(X, size).flatten(-2).median(-1).values),
]

MAXIMA = [
    Case("square", image=(5, 5), window=(2, 2), shift=0),
    Case("window taller than wide", image=(6, 9), window=(3, 2), shift=0, hint=SWAPPED),
    Case("window wider than tall", image=(7, 5), window=(2, 3), shift=0, hint=SWAPPED),
    Case("negative numbers only", image=(4, 6), window=(2, 2), shift=-9),
    Case("one row", image=(4, 6), window=(1, 3), shift=0, hint=SWAPPED),
    Case("one number", image=(3, 5), window=(1, 1), shift=0),
    Case(
        "window as large as the image",
        image=(3, 4),
        window=(3, 4),
        shift=0,
        hint=f"One window fits, so the result has the shape (1, 1). {WINDOW}",
    ),
]
MEANS = [
    Case("square", image=(6, 6), window=(3, 3)),
    Case("window wider than tall", image=(7, 5), window=(2, 3), hint=SWAPPED),
    Case("one column", image=(4, 6), window=(3, 1), hint=SWAPPED),
]


@pytest.mark.points(0)
def test_pool2d_is_your_own_work(student):
    """You moved pool2d's window yourself, without a ready-made pooling."""
    expect_not_named(student, READY_MADE, within="pool2d", hint=OWN_WINDOWS)


@pytest.mark.points(3)
@pytest.mark.depends("test_pool2d_is_your_own_work")
@pytest.mark.parametrize("case", MAXIMA, ids=str)
def test_pool2d_takes_maxima(student, draw, case):
    """With mode 'max', your pool2d gives PyTorch's numbers for every size."""
    X = 3 * draw.normal(*case.image) + case.shift
    expect_close(
        student.call("pool2d", X, case.window, mode="max"),
        pooled(X, case.window),
        hint=case.hint,
        mistakes=mistakes(WINDOW_SLIPS, X, case.window, "max"),
    )


@pytest.mark.points(2)
@pytest.mark.depends("test_pool2d_takes_maxima")
@pytest.mark.parametrize("case", MEANS, ids=str)
def test_pool2d_takes_means(student, draw, case):
    """With mode 'avg', your pool2d gives PyTorch's numbers for every size."""
    X = 3 * draw.normal(*case.image)
    expect_close(
        student.call("pool2d", X, case.window, mode="avg"),
        pooled(X, case.window, mode="avg"),
        rtol=1e-4,
        atol=1e-5,
        hint=case.hint,
        mistakes=mistakes(WINDOW_SLIPS, X, case.window, "avg"),
    )


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_takes_maxima")
def test_pool2d_takes_the_maximum_by_default(student, draw):
    """Without a mode, the maximum is taken."""
    X = draw.normal(4, 6)
    expect_close(
        student.call("pool2d", X, (2, 3)),
        pooled(X, (2, 3)),
        hint="def pool2d(X, pool_size, mode='max') makes 'max' the default; do not "
        "change the first line.",
    )


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_takes_maxima")
@pytest.mark.parametrize("mode", ["mean", "MAX", ""], ids=["mean", "capitals", "empty"])
def test_pool2d_refuses_other_modes(student, draw, mode):
    """A ValueError is raised for a mode that is neither 'max' nor 'avg'."""
    expect_raises(
        student,
        "pool2d",
        draw.normal(4, 5),
        (2, 2),
        mode=mode,
        hint="Without a check, a misspelt mode gives a matrix of zeros, or the other "
        f"mode's numbers, and nobody notices. {WINDOW}",
    )


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_takes_means")
def test_pool2d_can_be_called_again(student, draw):
    """A second and third call give the right result too, in either mode."""
    for image, mode in (((5, 6), "avg"), ((4, 7), "max"), ((5, 6), "avg")):
        X = draw.normal(*image)
        expect_close(
            student.call("pool2d", X, (2, 3), mode=mode),
            pooled(X, (2, 3), mode=mode),
            rtol=1e-4,
            atol=1e-5,
            hint="Something of an earlier call is remembered: a global variable, a "
            "mutable default argument, a cache? Make the buffer inside the function.",
        )


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_takes_means")
@pytest.mark.parametrize("mode", ["max", "avg"])
def test_pool2d_leaves_its_argument_alone(student, draw, mode):
    """X is unchanged after the call, and the result is a tensor of its own."""
    for size in ((2, 3), (1, 1)):
        X = draw.normal(4, 5)
        unchanged(student.observe("pool2d", X, size, mode=mode), X)


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_takes_means")
@pytest.mark.parametrize("mode", ["max", "avg"])
def test_pool2d_lets_gradients_through(student, draw, mode):
    """Gradients flow from the result back to X, in either mode."""
    X, G = draw.normal(4, 6), draw.normal(3, 4)
    seen = student.observe("pool2d", X, (2, 3), mode=mode, cotangent=G)
    gradients_arrive(seen, X, {"size": (2, 3), "mode": mode}, G)


@pytest.mark.points(0)
@pytest.mark.depends("test_pool2d_takes_maxima")
def test_pool2d_passes_nan_on(student, draw):
    """Advice: a NaN in a window makes its maximum NaN, as in PyTorch."""
    X = draw.normal(4, 5)
    X[1, 2] = float("nan")
    expect_close(
        student.call("pool2d", X, (2, 2)),
        pooled(X, (2, 2)),
        hint="Every comparison with NaN is false, so a search with > passes it over. "
        "Tensor.max and torch.maximum return NaN.",
    )


@pytest.mark.points(0)
@pytest.mark.depends("test_pool2d_takes_maxima")
def test_pool2d_keeps_double_precision(student, draw):
    """Advice: the result has the dtype of the image."""
    X = draw.normal(4, 6, dtype=torch.float64)
    expect_close(
        student.call("pool2d", X, (2, 3)),
        pooled(X, (2, 3)),
        dtype=True,
        rtol=1e-12,
        hint="torch.zeros(…) makes a float32 tensor, whatever X is: digits get lost. "
        "X.new_zeros(…) or torch.zeros(…, dtype=X.dtype) keeps the dtype.",
    )


# --- pool2d_full ----------------------------------------------------------------------

STEPS_OF_ONE = (
    "Without a stride, the window moves by 1; the layer's default is the window's "
    f"size, so that windows stand side by side. {LAYER}"
)
SQUARE_DEFAULT = f"One side of the window is the default stride of both axes. {LAYER}"
STRIDE_SWAPPED = f"Vertical and horizontal stride are swapped: height first. {SIZES}"
ONE_STRIDE = f"One of the two strides is used for both axes. {SIZES}"
STRIDE_IGNORED = f"The stride that was given is not used. {LAYER}"
CEILING = (
    "The size is rounded up: a last window that does not fit is dropped, so divide "
    f"with // and add 1 afterwards. {LAYER}"
)
FILLED_PLAIN = (
    "The shape is right, but the windows move by 1: output (i, j) belongs to the "
    f"window that starts at (i · s_h, j · s_w). {SIZES}"
)
ZEROS_WIN = (
    "The padding wins over negative numbers: it is made of zeros. In 'max' mode, "
    f"padding is −∞. {LAYER}"
)
NOT_COUNTED = (
    "The means leave the padding out; here, as in PyTorch by default, its zeros count: "
    f"divide by h · w always. {LAYER}"
)
NO_PADDING = f"The padding is not applied. {LAYER}"
PADDING_SWAPPED = (
    "Vertical and horizontal padding are swapped: (p_h, p_w) is rows first. Mind that "
    f"F.pad counts from the last axis. {LAYER}"
)
ONE_PADDING = f"One of the two paddings is used for both axes. {LAYER}"
ONE_SIDE = (
    "The padding stands on one side only; it belongs above and below, left and right. "
    f"{LAYER}"
)
BORDER = f"The padding repeats the border of the image. {LAYER}"
INFINITE = (
    "The means became −∞: in 'avg' mode the padding is made of zeros; −∞ is for 'max'. "
    f"{LAYER}"
)
MIXED_CHANNELS = f"The channels are mixed; each is pooled by itself. {CHANNELS}"
MIXED_EXAMPLES = f"The examples are mixed; each is pooled by itself. {CHANNELS}"
FIRST_CHANNEL = f"Only the first channel is pooled. {CHANNELS}"


def padded(X, padding, value):
    """Surround the images with a number."""
    return F.pad(X, (padding[1], padding[1], padding[0], padding[0]), value=value)


def outside(mode):
    """Return what the padding is made of."""
    return float("-inf") if mode == "max" else 0.0


def with_zeros(X, size, stride, padding, mode):
    """Pad with zeros in either mode."""
    return pooled(padded(X, padding, 0.0), size, stride, mode=mode)


def not_counted(X, size, stride, padding, mode):
    """Means over the real numbers only."""
    Y = F.avg_pool2d(X, size, stride, padding, count_include_pad=False)
    return pooled(X, size, stride, padding) if mode == "max" else Y


def one_sided(X, size, stride, padding, mode, times=1):
    """Pad above and left only."""
    sides = (times * padding[1], 0, times * padding[0], 0)
    return pooled(F.pad(X, sides, value=outside(mode)), size, stride, mode=mode)


def one_sided_below(X, size, stride, padding, mode):
    """Pad below and right only."""
    sides = (0, padding[1], 0, padding[0])
    return pooled(F.pad(X, sides, value=outside(mode)), size, stride, mode=mode)


def border(X, size, stride, padding, mode):
    """Pad with copies of the border."""
    sides = (padding[1], padding[1], padding[0], padding[0])
    return pooled(F.pad(X, sides, mode="replicate"), size, stride, mode=mode)


def rounded_up(X, size, stride, padding, mode):
    """Let the last windows hang over the edge."""
    pool = F.max_pool2d if mode == "max" else F.avg_pool2d
    return pool(X, size, stride, padding, ceil_mode=True)


def overhanging(X, size, stride, padding, mode):
    """Round up, but divide or search what is there."""
    more = [
        -(n + 2 * p - k) % s
        for n, p, k, s in zip(X.shape[-2:], padding, size, stride, strict=True)
    ]
    X = F.pad(padded(X, padding, outside(mode)), (0, more[1], 0, more[0]))
    return pooled(X, size, stride, mode=mode)


def plain_corner(X, size, stride, padding, mode):
    """Windows that move by 1, cut to the size of the strided result."""
    rows, columns = pooled(X, size, stride, padding, mode).shape[-2:]
    return pooled(X, size, (1, 1), padding, mode)[..., :rows, :columns]


def fixed(Y, X):
    """Repeat what was pooled over channels or examples to the full shape."""
    return Y.expand(*X.shape[:2], *Y.shape[-2:])


FULL_SLIPS = [
    (OTHER_MODE, lambda X, k, s, p, mode: pooled(X, k, s, p, other(mode))),
    (STRIDE_SWAPPED, lambda X, k, s, p, mode: pooled(X, k, s[::-1], p, mode)),
    (STEPS_OF_ONE, lambda X, k, s, p, mode: pooled(X, k, (1, 1), p, mode)),
    (STRIDE_IGNORED, lambda X, k, s, p, mode: pooled(X, k, k, p, mode)),
    (ONE_STRIDE, lambda X, k, s, p, mode: pooled(X, k, (s[0], s[0]), p, mode)),
    (ONE_STRIDE, lambda X, k, s, p, mode: pooled(X, k, (s[1], s[1]), p, mode)),
    (CEILING, rounded_up),
    (CEILING, overhanging),
    (FILLED_PLAIN, plain_corner),
    (NO_PADDING, lambda X, k, s, p, mode: pooled(X, k, s, (0, 0), mode)),
    (
        PADDING_SWAPPED,
        lambda X, k, s, p, mode: pooled(
            padded(X, p[::-1], outside(mode)), k, s, mode=mode
        ),
    ),
    (
        ONE_PADDING,
        lambda X, k, s, p, mode: pooled(
            padded(X, (p[0], p[0]), outside(mode)), k, s, mode=mode
        ),
    ),
    (
        ONE_PADDING,
        lambda X, k, s, p, mode: pooled(
            padded(X, (p[1], p[1]), outside(mode)), k, s, mode=mode
        ),
    ),
    (ZEROS_WIN, with_zeros),
    (NOT_COUNTED, not_counted),
    (
        INFINITE,
        lambda X, k, s, p, mode: windows(padded(X, p, -torch.inf), k, s).mean((-1, -2)),
    ),
    (ONE_SIDE, one_sided),
    (ONE_SIDE, partial(one_sided, times=2)),
    (ONE_SIDE, one_sided_below),
    (BORDER, border),
    (
        MIXED_CHANNELS,
        lambda X, k, s, p, mode: fixed(pooled(X, k, s, p, mode).amax(1, True), X),
    ),
    (MIXED_CHANNELS, lambda X, k, s, p, mode: pooled(X, k, s, p, mode).amax(1, True)),
    (MIXED_CHANNELS, lambda X, k, s, p, mode: pooled(X, k, s, p, mode).mean(1, True)),
    (MIXED_CHANNELS, lambda X, k, s, p, mode: pooled(X, k, s, p, mode).sum(1, True)),
    (MIXED_EXAMPLES, lambda X, k, s, p, mode: pooled(X, k, s, p, mode).amax(0, True)),
    (MIXED_EXAMPLES, lambda X, k, s, p, mode: fixed(pooled(X, k, s, p, mode)[:1], X)),
    (MIXED_EXAMPLES, lambda X, k, s, p, mode: pooled(X, k, s, p, mode)[:1]),
    (FIRST_CHANNEL, lambda X, k, s, p, mode: pooled(X, k, s, p, mode)[:, :1]),
    (FIRST_CHANNEL, lambda X, k, s, p, mode: fixed(pooled(X, k, s, p, mode)[:, :1], X)),
    *(
        (hint, lambda X, k, s, p, mode, wrong=wrong: wrong(X, k, mode))
        for hint, wrong in WINDOW_SLIPS
    ),
]

NO_STRIDE_SLIPS = [
    (STEPS_OF_ONE, lambda X, k, s, p, mode: pooled(X, k, (1, 1), p, mode)),
    (SQUARE_DEFAULT, lambda X, k, s, p, mode: pooled(X, k, (k[0], k[0]), p, mode)),
    (SQUARE_DEFAULT, lambda X, k, s, p, mode: pooled(X, k, (k[1], k[1]), p, mode)),
    *FULL_SLIPS,
]

BOTH_MODES = [Case("max", mode="max"), Case("avg", mode="avg")]
DEFAULT_STRIDES = [
    Case("square", image=(2, 2, 6, 6), window=(2, 2), mode="max"),
    Case("oblong, a window is dropped", image=(1, 3, 7, 8), window=(2, 3), mode="max"),
    Case("means", image=(2, 1, 6, 9), window=(3, 2), mode="avg"),
]
STRIDES = [
    Case("overlapping", image=(2, 3, 7, 7), window=(3, 3), stride=(2, 2), mode="max"),
    Case("gaps", image=(1, 2, 9, 8), window=(2, 1), stride=(3, 4), mode="max"),
    Case(
        "a window is dropped",
        image=(2, 1, 8, 6),
        window=(3, 3),
        stride=(2, 2),
        mode="avg",
    ),
    Case(
        "down and across differ",
        image=(1, 2, 9, 8),
        window=(2, 3),
        stride=(3, 2),
        mode="avg",
    ),
]
PADDINGS = [
    Case(
        "one on each side",
        image=(2, 2, 5, 5),
        window=(3, 3),
        stride=(2, 2),
        padding=(1, 1),
    ),
    Case(
        "rows and columns differ",
        image=(1, 3, 6, 7),
        window=(3, 5),
        stride=(1, 2),
        padding=(1, 2),
    ),
    Case(
        "columns only", image=(2, 1, 5, 6), window=(2, 3), stride=(2, 3), padding=(0, 1)
    ),
    Case(
        "stride not given",
        image=(1, 2, 8, 7),
        window=(4, 2),
        stride=None,
        padding=(2, 1),
    ),
]


def agrees(student, X, k, s, p, mode, hint=""):
    """Expect pool2d_full to be right; if it is not, say what went wrong."""
    given = {"padding": p, "mode": mode} | ({} if s is None else {"stride": s})
    slips = FULL_SLIPS if s else NO_STRIDE_SLIPS
    s = s or k
    try:
        expect_close(
            student.call("pool2d_full", X, k, **given),
            pooled(X, k, s, p, mode),
            rtol=1e-4,
            atol=1e-5,
            hint=hint,
            mistakes=mistakes(slips, X, k, s, p, mode),
        )
    except (CheckFailed, StudentError) as failed:
        raise blamed(student, failed) from None


def blamed(student, failed):
    """If the answer builds on a pool2d that is wrong, say that and nothing else."""
    if "pool2d(" not in student.source_of("pool2d_full"):
        return failed
    X = torch.arange(20.0).reshape(4, 5).sin() - 2
    student.fresh()
    try:
        for mode in ("max", "avg"):
            answer = student.call("pool2d", X, (3, 2), mode=mode)
            expect_close(answer, pooled(X, (3, 2), mode=mode), rtol=1e-4, atol=1e-5)
    except Exception:
        hint = (
            "pool2d_full calls your pool2d, which is not right yet. Repair that first."
        )
        return CheckFailed(failed.message, hint)
    return failed


@pytest.mark.points(0)
def test_pool2d_full_is_your_own_work(student):
    """You moved the window yourself, without a ready-made pooling."""
    expect_not_named(student, READY_MADE, within="pool2d_full", hint=OWN_WINDOWS)


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_full_is_your_own_work")
@pytest.mark.hint(f"The stride is (1, 1), and there is no padding. {CHANNELS}")
@pytest.mark.parametrize("case", BOTH_MODES, ids=str)
def test_pool2d_full_pools_each_channel(student, draw, case):
    """With stride (1, 1) and no padding, each channel of each example is pooled."""
    X = draw.normal(2, 3, 5, 6) - 1
    agrees(student, X, (2, 3), (1, 1), (0, 0), case.mode)


@pytest.mark.points(2)
@pytest.mark.depends("test_pool2d_full_pools_each_channel")
@pytest.mark.hint(f"Without a stride, the stride is the window's size. {LAYER}")
@pytest.mark.parametrize("case", DEFAULT_STRIDES, ids=str)
def test_pool2d_full_puts_windows_side_by_side(student, draw, case):
    """Without a stride, the window moves by its own size."""
    X = draw.normal(*case.image)
    agrees(student, X, case.window, None, (0, 0), case.mode)


@pytest.mark.points(2)
@pytest.mark.depends("test_pool2d_full_pools_each_channel")
@pytest.mark.hint(f"A stride is given, and there is no padding. {SIZES}")
@pytest.mark.parametrize("case", STRIDES, ids=str)
def test_pool2d_full_steps(student, draw, case):
    """A stride that is given moves the window by as many rows and columns."""
    X = draw.normal(*case.image)
    agrees(student, X, case.window, case.stride, (0, 0), case.mode)


@pytest.mark.points(2)
@pytest.mark.depends(
    "test_pool2d_full_puts_windows_side_by_side", "test_pool2d_full_steps"
)
@pytest.mark.hint(f"In 'max' mode the padding is −∞ on each side. {LAYER}")
@pytest.mark.parametrize("case", PADDINGS, ids=str)
def test_pool2d_full_pads_maxima(student, draw, case):
    """In 'max' mode, padding never wins, not even over negative numbers."""
    X = draw.normal(*case.image) - 4
    agrees(student, X, case.window, case.stride, case.padding, "max")


@pytest.mark.points(2)
@pytest.mark.depends(
    "test_pool2d_full_puts_windows_side_by_side", "test_pool2d_full_steps"
)
@pytest.mark.hint(f"In 'avg' mode the padding is made of zeros, and counted. {LAYER}")
@pytest.mark.parametrize("case", PADDINGS, ids=str)
def test_pool2d_full_pads_means(student, draw, case):
    """In 'avg' mode, padding is made of zeros, and they are counted."""
    X = draw.normal(*case.image) + 4
    agrees(student, X, case.window, case.stride, case.padding, "avg")


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_full_pools_each_channel")
@pytest.mark.parametrize(
    "case",
    [
        Case("odd window", window=(3, 3), padding=(2, 2)),
        Case("rows only", window=(2, 4), padding=(2, 1)),
        Case("columns only", window=(4, 3), padding=(1, 2)),
    ],
    ids=str,
)
def test_pool2d_full_refuses_too_much_padding(student, draw, case):
    """A ValueError is raised if the padding is more than half the window."""
    X = draw.normal(1, 2, 6, 7)
    expect_raises(
        student,
        "pool2d_full",
        *(X, case.window),
        stride=(1, 1),
        padding=case.padding,
        hint="With more padding than half the window, some windows hold nothing but "
        f"padding: their maximum would be −∞. Check 2p ≤ k first. {LAYER}",
    )


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_full_pads_maxima", "test_pool2d_full_pads_means")
def test_pool2d_full_leaves_its_argument_alone(student, draw):
    """X is unchanged after the call."""
    for mode, padding in (("max", (1, 1)), ("avg", (0, 0)), ("max", (0, 0))):
        X = draw.normal(2, 2, 4, 6)
        seen = student.observe("pool2d_full", X, (2, 3), padding=padding, mode=mode)
        expect_close(
            seen.inputs[0],
            X,
            rtol=0,
            atol=0,
            hint="X was changed in place. Copy it into a padded tensor of your own.",
        )


@pytest.mark.points(1)
@pytest.mark.depends("test_pool2d_full_pads_maxima", "test_pool2d_full_pads_means")
@pytest.mark.parametrize("case", BOTH_MODES, ids=str)
def test_pool2d_full_lets_gradients_through(student, draw, case):
    """Gradients flow from the result back to X, in either mode."""
    X = draw.normal(1, 2, 5, 6)
    how = {"stride": (2, 1), "padding": (1, 1), "mode": case.mode}
    G = draw.normal(*pooled(X, (2, 3), **how).shape)
    seen = student.observe("pool2d_full", X, (2, 3), cotangent=G, **how)
    gradients_arrive(seen, X, {"size": (2, 3), **how}, G)
