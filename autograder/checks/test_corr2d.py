"""Hidden checks of the assignment corr2d.

PyTorch's own cross-correlation is the oracle. ``SLIPS`` says which wrong tensor each
known misconception would give; an answer that equals one of them gets its hint. Only
what the task text states is worth points.
"""

import re
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

PLAIN = "Section 6.2.1: image-convolution.html#cross-correlation-operation."
FLIPPING = "Section 6.2.5: image-convolution.html#cross-correlation-vs-convolution."
PADDING = "Section 6.3.1: padding-and-stride.html#padding."
STRIDE = "Section 6.3.2: padding-and-stride.html#stride."
INPUTS = "Section 6.4.1: channels.html#multiple-input-channels."
OUTPUTS = "Section 6.4.2: channels.html#multiple-output-channels."

READY_MADE = [
    *(f"*.conv{n}d" for n in (1, 2, 3)),
    *(f"*.Conv{n}d" for n in (1, 2, 3)),
    *(f"*.LazyConv{n}d" for n in (1, 2, 3)),
    *(f"*.conv_transpose{n}d" for n in (1, 2, 3)),
    *(f"*.ConvTranspose{n}d" for n in (1, 2, 3)),
    *("*.convolution", "*._convolution", "*.convolve", "*.convolve2d"),
    *("*.correlate", "*.correlate2d", "*.mkldnn_convolution", "*.conv_tbc"),
    *("scipy", "course_lib", "d2l"),
]
OWN_SUMS = (
    "Write the multiplications and sums yourself: loops, slices, unfold, einsum and @ "
    f"are all welcome. {PLAIN}"
)


def corr(X, K, **options):
    """PyTorch's own cross-correlation of (H, W) with (h, w)."""
    return F.conv2d(X[None, None], K[None, None], **options)[0, 0]


def windows(X, K):
    """All windows of X that K is laid on, (H', W', h, w)."""
    return X.unfold(0, K.shape[0], 1).unfold(1, K.shape[1], 1)


def products(X, K):
    """Return what corr2d sums up, (H', W', h, w)."""
    return windows(X, K) * K


def mistakes(slips, *arguments):
    """Hint -> functions that make the wrong tensors for these arguments."""
    known: dict = {}
    for hint, wrong in slips:
        known.setdefault(hint, []).append(partial(wrong, *arguments))
    return known


def blamed(student, name, failed):
    """If the answer builds on a corr2d that is wrong, say that and nothing else."""
    calls = re.findall(r"\bcorr2d\(|\bmap\(corr2d\b", student.source_of(name))
    if name == "corr2d" or not calls:
        return failed
    X, K = torch.arange(20.0).reshape(4, 5) - 7, torch.tensor([[1.0, -2.0, 4.0]])
    student.fresh()
    try:
        expect_close(student.call("corr2d", X, K), corr(X, K))
    except Exception:
        return CheckFailed(
            failed.message,
            f"{name} calls your corr2d, which is not right yet. Repair corr2d first.",
        )
    return failed


def agrees(student, name, expected, *arguments, slips, hint=""):
    """Expect the result of the call to be right; if it is not, say what went wrong."""
    known = mistakes(slips, *arguments)
    try:
        answer = student.call(name, *arguments)
        expect_close(answer, expected, rtol=1e-4, atol=2e-5, hint=hint, mistakes=known)
    except (CheckFailed, StudentError) as failed:
        raise blamed(student, name, failed) from None


def unchanged(seen, *arguments):
    """Expect the tensors that went in to look as before."""
    for tensor, before, name in zip(seen.inputs, arguments, "XK", strict=True):
        expect_close(
            tensor,
            before,
            rtol=0,
            atol=0,
            hint=f"{name} was changed in place. Collect the result in a tensor of your "
            "own; an expression such as A * B makes one, A *= B overwrites A.",
        )


def with_gradients(function, cotangent, *arguments):
    """Return the gradients that PyTorch's own operator gives."""
    leaves = [a.clone().requires_grad_() for a in arguments]
    return torch.autograd.grad((function(*leaves) * cotangent).sum(), leaves)


def gradients_arrive(seen, expected):
    """Gradients for X and K are there, and they are right."""
    broken = (
        "The chain from the result back to X and K is broken. .item(), float(), "
        ".detach(), .data, NumPy, torch.tensor(…) and torch.no_grad() cut it; adding "
        "tensors up, or writing them into a new tensor, does not."
    )
    expect(seen.requires_grad, "The result does not require a gradient.", broken)
    for gradient, wanted, name in zip(seen.grads, expected, "XK", strict=True):
        expect(gradient is not None, f"No gradient arrives at {name}.", broken)
        expect_close(gradient, wanted, rtol=1e-3, atol=1e-4, hint=broken)


# --- corr2d ---------------------------------------------------------------------------

FLIPPED = (
    "The kernel is turned by 180 degrees: that is a convolution in the mathematical "
    f"sense, and this task asks for cross-correlation. {FLIPPING}"
)
HALF_FLIPPED = f"The kernel seems to be flipped along one axis. {FLIPPING}"
TRANSPOSED_KERNEL = f"The kernel is transposed: K[a, b] belongs to row a. {PLAIN}"
TRANSPOSED = (
    "The result is transposed: i counts rows (the first index), j columns, in X and in "
    f"the result alike. {PLAIN}"
)
SWAPPED = (
    "Are height and width swapped? It shows only where they differ: rows go with the "
    f"first index of X, of K and of the result. {PLAIN}"
)
SHORT = (
    "The last row and column are missing: a kernel of height h fits into H rows at "
    f"H − h + 1 places, not at H − h. {PLAIN}"
)
MEAN = f"This is the mean of the products; the task asks for their sum. {PLAIN}"
ABSOLUTE = f"Signs got lost: absolute values are taken somewhere. {PLAIN}"
UNWEIGHTED = (
    f"The window is summed without being multiplied by K, element by element. {PLAIN}"
)
MATMUL = (
    "This is what a matrix product (@) of window and kernel gives; the operation "
    f"multiplies element by element (*). {PLAIN}"
)
ONE_ROW = f"Only part of the kernel is used: sum over all its rows and columns. {PLAIN}"
LARGEST = f"This is the largest product; the task asks for the sum of all. {PLAIN}"
SAME = (
    "The result is as if zeros were put around the image. The plain operation has no "
    f"padding: it shrinks the image to (H − h + 1, W − w + 1). {PLAIN}"
)
STEPS_OF_TWO = f"The window moves by 2; here it moves by 1. {STRIDE}"
WHOLE_NUMBERS = (
    "The numbers are cut to whole ones. Is the buffer for the result made with an "
    "integer dtype, or from an integer tensor?"
)


def same_padded(X, K):
    """Zeros around the image, so that the result is as large as the image."""
    h, w = K.shape
    sides = ((w - 1) // 2, w // 2, (h - 1) // 2, h // 2)
    return corr(F.pad(X, sides), K)


PLAIN_SLIPS = [
    (FLIPPED, lambda X, K: corr(X, K.flip(0, 1))),
    (HALF_FLIPPED, lambda X, K: corr(X, K.flip(0))),
    (HALF_FLIPPED, lambda X, K: corr(X, K.flip(1))),
    (TRANSPOSED_KERNEL, lambda X, K: corr(X, K.T)),
    (TRANSPOSED, lambda X, K: corr(X, K).T),
    (TRANSPOSED, lambda X, K: corr(X.T, K)),
    (SHORT, lambda X, K: corr(X, K)[:-1, :-1]),
    (SHORT.replace("row and column are", "row is"), lambda X, K: corr(X, K)[:-1]),
    (SHORT.replace("row and column are", "column is"), lambda X, K: corr(X, K)[:, :-1]),
    (MEAN, lambda X, K: corr(X, K) / K.numel()),
    (MEAN, lambda X, K: corr(X, K) / K.sum()),
    (ABSOLUTE, lambda X, K: corr(X, K).abs()),
    (ABSOLUTE, lambda X, K: corr(X.abs(), K)),
    (ABSOLUTE, lambda X, K: corr(X, K.abs())),
    (ABSOLUTE, lambda X, K: products(X, K).abs().sum((2, 3))),
    (UNWEIGHTED, lambda X, K: windows(X, K).sum((2, 3))),
    (MATMUL, lambda X, K: (windows(X, K) @ K).sum((2, 3))),
    (ONE_ROW, lambda X, K: products(X, K)[:, :, 0].sum(2)),
    (ONE_ROW, lambda X, K: products(X, K)[..., 0].sum(2)),
    (ONE_ROW, lambda X, K: products(X, K)[..., 0, 0]),
    (ONE_ROW, lambda X, K: corr(X, K) - products(X, K)[..., -1, -1]),
    (ONE_ROW, lambda X, K: products(X, K)[:, :, :-1].sum((2, 3))),
    (LARGEST, lambda X, K: products(X, K).amax((2, 3))),
    (SAME, same_padded),
    (SAME, lambda X, K: corr(X, K, padding=(K.shape[0] // 2, K.shape[1] // 2))),
    (SAME, lambda X, K: corr(X, K, padding=(K.shape[0] - 1, K.shape[1] - 1))),
    (STEPS_OF_TWO, lambda X, K: corr(X, K)[::2, ::2]),
    (WHOLE_NUMBERS, lambda X, K: corr(X, K).trunc()),
    (WHOLE_NUMBERS, lambda X, K: corr(X, K).round()),
    (WHOLE_NUMBERS, lambda X, K: corr(X.trunc(), K.trunc())),
]

SIZES = [
    Case("square image and square kernel", image=(6, 6), kernel=(3, 3)),
    Case("two by two kernel", image=(5, 5), kernel=(2, 2)),
    Case("wider than tall", image=(5, 9), kernel=(2, 4), hint=SWAPPED),
    Case("taller than wide", image=(9, 4), kernel=(4, 2), hint=SWAPPED),
    Case("square kernel, oblong image", image=(4, 7), kernel=(3, 3), hint=SWAPPED),
    Case("oblong kernel, square image", image=(6, 6), kernel=(2, 3), hint=SWAPPED),
    Case(
        "kernel of one row",
        image=(4, 6),
        kernel=(1, 3),
        hint=f"A kernel of one row does not shrink the height. {PLAIN}",
    ),
    Case(
        "kernel of one number",
        image=(3, 5),
        kernel=(1, 1),
        hint=f"A 1×1 kernel multiplies every number of the image. {PLAIN}",
    ),
    Case(
        "kernel as large as the image",
        image=(3, 4),
        kernel=(3, 4),
        hint=f"One window fits, so the result has the shape (1, 1). {PLAIN}",
    ),
]


@pytest.mark.points(0)
def test_corr2d_is_your_own_work(student):
    """You wrote corr2d's sums yourself, without a ready-made convolution."""
    expect_not_named(student, READY_MADE, within="corr2d", hint=OWN_SUMS)


@pytest.mark.points(4)
@pytest.mark.depends("test_corr2d_is_your_own_work")
@pytest.mark.parametrize("case", SIZES, ids=str)
def test_corr2d_agrees_with_torch(student, draw, case):
    """Your corr2d gives PyTorch's numbers for every size of image and kernel."""
    X, K = draw.normal(*case.image), draw.normal(*case.kernel)
    X, K = 3 * X, 2 * K
    hint = case.hint
    agrees(student, "corr2d", corr(X, K), X, K, slips=PLAIN_SLIPS, hint=hint)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_agrees_with_torch")
def test_corr2d_passes_nan_on(student, draw):
    """A NaN in a window makes that output NaN, and no other."""
    X, K = draw.normal(5, 6), draw.normal(2, 3)
    X[2, 3] = float("nan")
    answer, expected = student.call("corr2d", X, K), corr(X, K)
    hint = (
        "NaN says that something went wrong earlier; replacing it (nan_to_num, nansum, "
        "a comparison) hides that. A plain sum passes it on by itself."
    )
    if int(answer.isnan().sum()) > int(expected.isnan().sum()):
        hint = (
            "The NaN spreads to outputs whose windows do not contain it. 0 · NaN is "
            "NaN: let a number meet its own windows only, not others with weight 0."
        )
    expect_close(answer, expected, rtol=1e-4, atol=2e-5, hint=hint)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_agrees_with_torch")
def test_corr2d_can_be_called_again(student, draw):
    """A second and third call give the right result too."""
    for image, kernel in (((5, 6), (2, 3)), ((4, 7), (3, 2)), ((5, 6), (2, 3))):
        X, K = draw.normal(*image), draw.normal(*kernel)
        expect_close(
            student.call("corr2d", X, K),
            corr(X, K),
            rtol=1e-4,
            atol=2e-5,
            hint="Something of an earlier call is remembered: a global variable, a "
            "mutable default argument, a cache? Make the buffer inside the function.",
        )


ARGUMENTS, GRADIENTS = range(2)  # the parts of what is asked under observation


def observed_corr2d(student, draw):
    """Call it twice to see its arguments afterwards; then once to see gradients."""
    calls = []
    for kernel in ((2, 3), (1, 1)):
        X, K = draw.normal(4, 5), draw.normal(*kernel)
        calls.append((X, K, student.observe("corr2d", X, K)))
    yield calls
    X, K, G = draw.normal(4, 6), draw.normal(2, 3), draw.normal(3, 4)
    seen = student.observe("corr2d", X, K, cotangent=G)
    yield seen, with_gradients(corr, G, X, K)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_agrees_with_torch")
def test_corr2d_leaves_its_arguments_alone(student):
    """X and K are unchanged after the call, and the result is a tensor of its own."""
    for X, K, seen in student.once(observed_corr2d, ARGUMENTS):
        unchanged(seen, X, K)
        expect(
            not any(seen.aliases),
            "The result shares its memory with an argument.",
            "Whoever changes the result would change X or K too. Return a new tensor.",
        )


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_agrees_with_torch")
def test_corr2d_lets_gradients_through(student):
    """Gradients flow from the result back to X and K."""
    gradients_arrive(*student.once(observed_corr2d, GRADIENTS))


@pytest.mark.points(0)
@pytest.mark.depends("test_corr2d_agrees_with_torch")
@pytest.mark.parametrize("dtype", [torch.float64, torch.int64], ids=["double", "whole"])
def test_corr2d_keeps_the_dtype(student, draw, dtype):
    """Advice: the result has the dtype of the arguments."""
    X = (10 * draw.normal(4, 6)).to(dtype)
    K = (10 * draw.normal(2, 3)).to(dtype)
    expect_close(
        student.call("corr2d", X, K),
        corr(X.double(), K.double()).to(dtype),
        dtype=True,
        rtol=1e-10,
        hint="torch.zeros(…) makes a float32 tensor, whatever X is: digits get lost. "
        "X.new_zeros(…) or torch.zeros(…, dtype=X.dtype) keeps the dtype.",
    )


# --- corr2d_padded_strided ------------------------------------------------------------

NO_PADDING = f"The padding is not applied. {PADDING}"
ONE_SIDE = (
    "The zeros stand on one side only (above, or left); padding p means p rows above "
    f"and p rows below, p columns left and p right. {PADDING}"
)
TOTAL = (
    "The padding is taken as the total of both sides; here, as in PyTorch, it is what "
    f"each side gets. {PADDING}"
)
SIDES_SWAPPED = (
    "Vertical and horizontal padding are swapped: (p_h, p_w) is rows first. Mind that "
    f"F.pad counts from the last axis. {PADDING}"
)
SQUARE_PADDING = f"One of the two paddings is used for both axes. {PADDING}"
DOUBLED = f"Twice as many zeros as asked for are added on each side. {PADDING}"
NOT_ZEROS = f"The padding is not made of zeros (copies of the border?). {PADDING}"
NO_STRIDE = f"The stride is not applied. {STRIDE}"
STEPS_SWAPPED = f"Vertical and horizontal stride are swapped: (s_h, s_w). {STRIDE}"
SQUARE_STRIDE = f"One of the two strides is used for both axes. {STRIDE}"
CEILING = (
    "The size is rounded up: a last window that does not fit is dropped, so divide "
    f"with // and add 1 afterwards. {STRIDE}"
)
LOST_WINDOW = (
    "A last window that does fit is missing: floor((H − h + 2p) / s) + 1 places, and "
    f"the + 1 is outside of the division. {STRIDE}"
)
FILLED_PLAIN = (
    "The shape is right, but the windows move by 1: output (i, j) belongs to the "
    f"window that starts at (i · s_h, j · s_w). {STRIDE}"
)


def ps(X, K, padding, stride):
    """PyTorch's cross-correlation with padding and stride."""
    return corr(X, K, padding=padding, stride=stride)


def padded_with(X, K, stride, top, bottom, left, right):
    """Cross-correlation after padding each side by itself."""
    return corr(F.pad(X, (left, right, top, bottom)), K, stride=stride)


def bordered(X, K, padding, stride, **how):
    """Cross-correlation after padding with something else than zeros."""
    p, q = padding
    return corr(F.pad(X[None, None], (q, q, p, p), **how)[0, 0], K, stride=stride)


def cropped(X, K, padding, stride):
    """Windows that move by 1, cut to the size of the strided result."""
    rows, columns = ps(X, K, padding, stride).shape
    return corr(X, K, padding=padding)[:rows, :columns]


def ceiled(X, K, padding, stride):
    """Zeros below and right, until the last window fits."""
    (p, q), (s, t) = padding, stride
    more = (
        -(X.shape[0] + 2 * p - K.shape[0]) % s,
        -(X.shape[1] + 2 * q - K.shape[1]) % t,
    )
    return padded_with(X, K, stride, p, p + more[0], q, q + more[1])


def lost(X, K, padding, stride):
    """Return the result without its last row and column: + 1 forgotten."""
    (p, q), (s, t) = padding, stride
    rows = (X.shape[0] - K.shape[0] + 2 * p) // s
    columns = (X.shape[1] - K.shape[1] + 2 * q) // t
    return ps(X, K, padding, stride)[:rows, :columns]


def plus_one_inside(X, K, padding, stride):
    """floor((H − h + 2p + 1) / s): right for stride 1 only."""
    (p, q), (s, t) = padding, stride
    rows = (X.shape[0] - K.shape[0] + 2 * p + 1) // s
    columns = (X.shape[1] - K.shape[1] + 2 * q + 1) // t
    return ps(X, K, padding, stride)[:rows, :columns]


PADDING_SLIPS = [
    (NO_PADDING, lambda X, K, p, s: ps(X, K, (0, 0), s)),
    (SIDES_SWAPPED, lambda X, K, p, s: ps(X, K, p[::-1], s)),
    (SQUARE_PADDING, lambda X, K, p, s: ps(X, K, (p[0], p[0]), s)),
    (SQUARE_PADDING, lambda X, K, p, s: ps(X, K, (p[1], p[1]), s)),
    (DOUBLED, lambda X, K, p, s: ps(X, K, (2 * p[0], 2 * p[1]), s)),
    (TOTAL, lambda X, K, p, s: ps(X, K, (p[0] // 2, p[1] // 2), s)),
    (
        TOTAL,
        lambda X, K, p, s: padded_with(
            X, K, s, -(-p[0] // 2), p[0] // 2, -(-p[1] // 2), p[1] // 2
        ),
    ),
    (ONE_SIDE, lambda X, K, p, s: padded_with(X, K, s, p[0], 0, p[1], 0)),
    (ONE_SIDE, lambda X, K, p, s: padded_with(X, K, s, 0, p[0], 0, p[1])),
    (ONE_SIDE, lambda X, K, p, s: padded_with(X, K, s, 2 * p[0], 0, 2 * p[1], 0)),
    (ONE_SIDE, lambda X, K, p, s: padded_with(X, K, s, 0, 2 * p[0], 0, 2 * p[1])),
    (NOT_ZEROS, lambda X, K, p, s: bordered(X, K, p, s, mode="replicate")),
    (NOT_ZEROS, lambda X, K, p, s: bordered(X, K, p, s, mode="reflect")),
    (NOT_ZEROS, lambda X, K, p, s: bordered(X, K, p, s, mode="circular")),
    (NOT_ZEROS, lambda X, K, p, s: bordered(X, K, p, s, value=1.0)),
]
STRIDE_SLIPS = [
    (NO_STRIDE, lambda X, K, p, s: ps(X, K, p, (1, 1))),
    (STEPS_SWAPPED, lambda X, K, p, s: ps(X, K, p, s[::-1])),
    (SQUARE_STRIDE, lambda X, K, p, s: ps(X, K, p, (s[0], s[0]))),
    (SQUARE_STRIDE, lambda X, K, p, s: ps(X, K, p, (s[1], s[1]))),
    (CEILING, ceiled),
    (LOST_WINDOW, lost),
    (LOST_WINDOW, plus_one_inside),
    (FILLED_PLAIN, cropped),
]
BOTH_SLIPS = [*PADDING_SLIPS, *STRIDE_SLIPS]
PLAIN_SLIPS_4 = [
    (hint, partial(lambda X, K, p, s, wrong: wrong(X, K), wrong=wrong))
    for hint, wrong in PLAIN_SLIPS
]

UNPADDED = [
    Case("square", image=(5, 5), kernel=(3, 3)),
    Case("oblong", image=(4, 7), kernel=(3, 2), hint=SWAPPED),
]
PADDED = [
    Case("two on each side", image=(5, 5), kernel=(3, 3), padding=(2, 2)),
    Case("rows and columns differ", image=(4, 6), kernel=(2, 3), padding=(1, 2)),
    Case("rows only", image=(5, 6), kernel=(3, 2), padding=(3, 0)),
    Case("columns only", image=(5, 4), kernel=(2, 2), padding=(0, 2)),
    Case("kernel larger than the image", image=(2, 3), kernel=(4, 5), padding=(2, 3)),
]
STRIDED = [
    Case("two and two", image=(7, 7), kernel=(3, 3), stride=(2, 2)),
    Case("a window is dropped", image=(8, 6), kernel=(3, 3), stride=(2, 2)),
    Case("down and across differ", image=(7, 9), kernel=(2, 3), stride=(3, 2)),
    Case("down only", image=(9, 6), kernel=(2, 2), stride=(3, 1)),
    Case("longer than the kernel", image=(9, 8), kernel=(2, 1), stride=(3, 4)),
    Case("only the first window fits", image=(4, 5), kernel=(3, 4), stride=(3, 3)),
]
BOTH = [
    Case("the book's last", image=(8, 8), kernel=(3, 5), padding=(0, 1), stride=(3, 4)),
    Case("all differ", image=(6, 9), kernel=(2, 3), padding=(1, 2), stride=(3, 2)),
    Case("even kernel", image=(5, 7), kernel=(4, 2), padding=(2, 1), stride=(2, 3)),
]


@pytest.mark.points(0)
def test_corr2d_padded_strided_is_your_own_work(student):
    """You wrote the sums yourself, without a ready-made convolution."""
    name = "corr2d_padded_strided"
    expect_not_named(student, READY_MADE, within=name, hint=OWN_SUMS)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_padded_strided_is_your_own_work")
@pytest.mark.parametrize("case", UNPADDED, ids=str)
def test_corr2d_padded_strided_without_either(student, draw, case):
    """With padding (0, 0) and stride (1, 1) it is the plain operation."""
    X, K = draw.normal(*case.image), draw.normal(*case.kernel)
    agrees(
        student,
        "corr2d_padded_strided",
        corr(X, K),
        *(X, K, (0, 0), (1, 1)),
        slips=PLAIN_SLIPS_4,
        hint=case.hint,
    )


@pytest.mark.points(2)
@pytest.mark.depends("test_corr2d_padded_strided_without_either")
@pytest.mark.hint(f"The stride is (1, 1) here: look at the padding. {PADDING}")
@pytest.mark.parametrize("case", PADDED, ids=str)
def test_corr2d_padded_strided_pads(student, draw, case):
    """Padding adds zeros on each side, as many as asked for along each axis."""
    X, K = 2 + draw.normal(*case.image), draw.normal(*case.kernel)
    agrees(
        student,
        "corr2d_padded_strided",
        ps(X, K, case.padding, (1, 1)),
        *(X, K, case.padding, (1, 1)),
        slips=PADDING_SLIPS,
    )


@pytest.mark.points(2)
@pytest.mark.depends("test_corr2d_padded_strided_without_either")
@pytest.mark.hint(f"There is no padding here: look at the stride. {STRIDE}")
@pytest.mark.parametrize("case", STRIDED, ids=str)
def test_corr2d_padded_strided_steps(student, draw, case):
    """Stride moves the window by as many rows and columns as asked for."""
    X, K = draw.normal(*case.image), draw.normal(*case.kernel)
    agrees(
        student,
        "corr2d_padded_strided",
        ps(X, K, (0, 0), case.stride),
        *(X, K, (0, 0), case.stride),
        slips=STRIDE_SLIPS,
    )


@pytest.mark.points(1)
@pytest.mark.depends(
    "test_corr2d_padded_strided_pads", "test_corr2d_padded_strided_steps"
)
@pytest.mark.hint(
    "Padding alone works, stride alone works. Together: first pad, then step through "
    f"the padded image; the size follows from the padded one. {STRIDE}"
)
@pytest.mark.parametrize("case", BOTH, ids=str)
def test_corr2d_padded_strided_does_both(student, draw, case):
    """Padding and stride work together, different along the two axes."""
    X, K = 2 + draw.normal(*case.image), draw.normal(*case.kernel)
    agrees(
        student,
        "corr2d_padded_strided",
        ps(X, K, case.padding, case.stride),
        *(X, K, case.padding, case.stride),
        slips=BOTH_SLIPS,
    )


def observed_padded_strided(student, draw):
    """Call it twice to see its arguments afterwards; then once to see gradients."""
    calls = []
    for how in (((1, 2), (2, 1)), ((0, 0), (1, 1))):
        X, K = draw.normal(4, 5), draw.normal(2, 3)
        calls.append((X, K, student.observe("corr2d_padded_strided", X, K, *how)))
    yield calls
    X, K = draw.normal(4, 6), draw.normal(3, 2)
    how = (1, 2), (2, 3)
    G = draw.normal(*ps(X, K, *how).shape)
    seen = student.observe("corr2d_padded_strided", X, K, *how, cotangent=G)
    yield seen, with_gradients(lambda X, K: ps(X, K, *how), G, X, K)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_padded_strided_does_both")
def test_corr2d_padded_strided_leaves_its_arguments_alone(student):
    """X and K are unchanged after the call."""
    for X, K, seen in student.once(observed_padded_strided, ARGUMENTS):
        unchanged(seen, X, K)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_padded_strided_does_both")
def test_corr2d_padded_strided_lets_gradients_through(student):
    """Gradients flow from the result back to X and K."""
    gradients_arrive(*student.once(observed_padded_strided, GRADIENTS))


# --- corr2d_multi_in_out --------------------------------------------------------------

NOT_SUMMED = f"The input channels are not added up. {INPUTS}"
FIRST_CHANNEL = f"Only one of the input channels is used. {INPUTS}"
CHANNEL_MEAN = f"The input channels are averaged; the task asks for their sum. {INPUTS}"
SAME_KERNEL = (
    "All input channels meet the same kernel; K[o, c] belongs to input channel c. "
    f"{INPUTS}"
)
OUTER = (
    "Every input channel meets every kernel, as if the channels were summed first; "
    f"channel c of X meets K[o, c] only. {INPUTS}"
)
OUTPUTS_SUMMED = f"The output channels are added up; they are stacked. {OUTPUTS}"
OUTPUTS_REVERSED = f"The output channels come in the wrong order. {OUTPUTS}"
OUTPUTS_LAST = (
    f"The output channels are the last axis, but should be the first. {OUTPUTS}"
)
AXES_SWAPPED = (
    "K's first two axes are swapped: (c_o, c_i, h, w), output channels first. "
    f"{OUTPUTS}"
)
SAME_OUTPUTS = f"All output channels are the same; each has its own kernels. {OUTPUTS}"
ROUNDS = (
    "The output channels pile up: the sum over the inputs must start at zero for each "
    f"output channel. {OUTPUTS}"
)
PAIRED = (
    "Input channel c goes into output channel c alone, as in a depthwise convolution. "
    f"{INPUTS}"
)


def multi(X, K):
    """PyTorch's cross-correlation of (c_i, H, W) with (c_o, c_i, h, w)."""
    return F.conv2d(X[None], K)[0]


def apart(X, K):
    """Return the result of each pair of channels, (c_o, c_i, H', W')."""
    pairs = [[corr(X[c], kernel[c]) for c in range(len(X))] for kernel in K]
    return torch.stack([torch.stack(row) for row in pairs])


CHANNEL_SLIPS = [
    (FIRST_CHANNEL, lambda X, K: apart(X, K)[:, 0]),
    (FIRST_CHANNEL, lambda X, K: apart(X, K)[:, -1]),
    (CHANNEL_MEAN, lambda X, K: apart(X, K).mean(1)),
    (NOT_SUMMED, apart),
    (NOT_SUMMED, lambda X, K: apart(X, K).flatten(0, 1)),
    (NOT_SUMMED, lambda X, K: apart(X, K).prod(1)),
    (SAME_KERNEL, lambda X, K: multi(X, K[:, :1].expand_as(K))),
    (OUTER, lambda X, K: multi(X, K.sum(1, keepdim=True).expand_as(K))),
    (OUTPUTS_SUMMED, lambda X, K: multi(X, K).sum(0)),
    (OUTPUTS_SUMMED, lambda X, K: multi(X, K).sum(0, keepdim=True)),
    (OUTPUTS_REVERSED, lambda X, K: multi(X, K).flip(0)),
    (OUTPUTS_LAST, lambda X, K: multi(X, K).movedim(0, -1)),
    (AXES_SWAPPED, lambda X, K: multi(X, K.transpose(0, 1))),
    (AXES_SWAPPED, lambda X, K: apart(X, K).sum(0)),
    (SAME_OUTPUTS, lambda X, K: multi(X, K[:1].expand_as(K))),
    (SAME_OUTPUTS, lambda X, K: multi(X, K[-1:].expand_as(K))),
    (SAME_OUTPUTS, lambda X, K: multi(X, K[:1])),
    (SAME_OUTPUTS, lambda X, K: multi(X, K[:1])[0]),
    (ROUNDS, lambda X, K: multi(X, K).cumsum(0)),
    (PAIRED, lambda X, K: torch.stack([corr(X[c], K[c, c]) for c in range(len(X))])),
    (FLIPPED, lambda X, K: multi(X, K.flip(2, 3))),
    (TRANSPOSED_KERNEL, lambda X, K: multi(X, K.mT)),
    (TRANSPOSED, lambda X, K: multi(X, K).mT),
    (SHORT, lambda X, K: multi(X, K)[:, :-1, :-1]),
    (MEAN, lambda X, K: multi(X, K) / K[0].numel()),
    (MEAN, lambda X, K: multi(X, K) / K[0, 0].numel()),
    (ABSOLUTE, lambda X, K: multi(X, K).abs()),
    (SAME, lambda X, K: F.conv2d(X[None], K, padding="same")[0]),
]

ONE_OUTPUT = [
    Case("one input channel", image=(1, 5, 4), kernel=(1, 1, 2, 3), hint=SWAPPED),
    Case(
        "three input channels",
        image=(3, 5, 6),
        kernel=(1, 3, 3, 2),
        hint=f"The result is (1, H − h + 1, W − w + 1): one output channel. {OUTPUTS}",
    ),
]
MANY_OUTPUTS = [
    Case("more out than in", image=(2, 5, 6), kernel=(4, 2, 2, 3)),
    Case("fewer out than in", image=(4, 6, 4), kernel=(3, 4, 3, 2)),
    Case("as many out as in", image=(3, 4, 6), kernel=(3, 3, 2, 3)),
    Case("one by one kernels", image=(3, 3, 4), kernel=(2, 3, 1, 1)),
]


@pytest.mark.points(0)
def test_corr2d_multi_in_out_is_your_own_work(student):
    """You wrote the sums yourself, without a ready-made convolution."""
    name = "corr2d_multi_in_out"
    expect_not_named(student, READY_MADE, within=name, hint=OWN_SUMS)


@pytest.mark.points(2)
@pytest.mark.depends("test_corr2d_multi_in_out_is_your_own_work")
@pytest.mark.parametrize("case", ONE_OUTPUT, ids=str)
def test_corr2d_multi_in_out_sums_over_inputs(student, draw, case):
    """With one output channel, the results of all input channels are added up."""
    X, K = draw.normal(*case.image), draw.normal(*case.kernel)
    agrees(
        student,
        "corr2d_multi_in_out",
        multi(X, K),
        *(X, K),
        slips=CHANNEL_SLIPS,
        hint=case.hint,
    )


@pytest.mark.points(3)
@pytest.mark.depends("test_corr2d_multi_in_out_sums_over_inputs")
@pytest.mark.hint(f"One output channel works: look at how several are made. {OUTPUTS}")
@pytest.mark.parametrize("case", MANY_OUTPUTS, ids=str)
def test_corr2d_multi_in_out_stacks_outputs(student, draw, case):
    """Several output channels are stacked, each made with kernels of its own."""
    X, K = draw.normal(*case.image), draw.normal(*case.kernel)
    slips = CHANNEL_SLIPS
    agrees(student, "corr2d_multi_in_out", multi(X, K), X, K, slips=slips)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_multi_in_out_sums_over_inputs")
@pytest.mark.parametrize(
    "case",
    [
        Case("more in X", image=(3, 4, 5), kernel=(2, 2, 2, 2)),
        Case("more in K", image=(2, 4, 5), kernel=(2, 3, 2, 2)),
        Case("one in X", image=(1, 4, 5), kernel=(2, 3, 2, 2)),
    ],
    ids=str,
)
def test_corr2d_multi_in_out_refuses_other_channels(student, draw, case):
    """A ValueError is raised if X and K differ in the number of input channels."""
    expect_raises(
        student,
        "corr2d_multi_in_out",
        draw.normal(*case.image),
        draw.normal(*case.kernel),
        hint="zip stops at the shorter one without a word, and broadcasting repeats a "
        "single channel: both give a plausible wrong answer. Compare X.shape[0] with "
        "K.shape[1] first. Section 6.4.1: channels.html#a-trap-in-those-three-lines.",
    )


def observed_multi_in_out(student, draw):
    """Call it to see its arguments afterwards; then to see gradients."""
    X, K = draw.normal(2, 4, 5), draw.normal(3, 2, 2, 3)
    yield X, K, student.observe("corr2d_multi_in_out", X, K)
    X, K, G = draw.normal(2, 4, 5), draw.normal(3, 2, 3, 2), draw.normal(3, 2, 4)
    seen = student.observe("corr2d_multi_in_out", X, K, cotangent=G)
    yield seen, with_gradients(multi, G, X, K)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_multi_in_out_stacks_outputs")
def test_corr2d_multi_in_out_leaves_its_arguments_alone(student):
    """X and K are unchanged after the call."""
    X, K, seen = student.once(observed_multi_in_out, ARGUMENTS)
    unchanged(seen, X, K)


@pytest.mark.points(1)
@pytest.mark.depends("test_corr2d_multi_in_out_stacks_outputs")
def test_corr2d_multi_in_out_lets_gradients_through(student):
    """Gradients flow from the result back to X and K."""
    gradients_arrive(*student.once(observed_multi_in_out, GRADIENTS))
