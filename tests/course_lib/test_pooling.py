"""Pooling: the figures' numbers, torch as the oracle, and every refusal."""

import re

import jaxtyping
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pooling import pool2d, pool2d_unfolded

both = pytest.mark.parametrize("f", [pool2d, pool2d_unfolded])
both_modes = pytest.mark.parametrize("mode", ["max", "avg"])
checked = pytest.mark.usefixtures("as_readers_see_it")


def oracle(X, pool_size, mode):
    pool = F.max_pool2d if mode == "max" else F.avg_pool2d
    return pool(X[None, None], pool_size, stride=1)[0, 0]


def counting(height, width):
    return torch.arange(float(height * width)).reshape(height, width)


@both
def test_pooling_gives_the_figures_numbers(f):
    X = counting(3, 3)
    assert f(X, (2, 2)).tolist() == [[4, 5], [7, 8]]
    assert f(X, (2, 2), mode="max").tolist() == [[4, 5], [7, 8]]
    assert f(X, (2, 2), "avg").tolist() == [[2, 3], [5, 6]]


@both
def test_max_pooling_loses_the_negative_edge_and_the_average_keeps_both(f):
    edges = torch.tensor([[0.0, 1, 0, 0, 0, -1, 0]] * 6)
    assert f(edges, 2).tolist() == [[1, 1, 0, 0, 0, 0]] * 5
    assert f(edges, 2, "avg").tolist() == [[0.5, 0.5, 0, 0, -0.5, -0.5]] * 5


@both
@both_modes
@pytest.mark.parametrize("pool_size", [(1, 1), (2, 3), (3, 2), (4, 5), (4, 1), [2, 2]])
def test_pooling_agrees_with_torch(f, mode, pool_size):
    X = torch.randn(4, 5)
    torch.testing.assert_close(f(X, tuple(pool_size), mode), oracle(X, pool_size, mode))


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    mode=st.sampled_from(["max", "avg"]),
    seed=st.integers(0, 2**16),
)
def test_loops_and_unfolded_agree_with_torch_for_all_sizes(size, share, mode, seed):
    pool_size = tuple(1 + round(s * (n - 1)) for s, n in zip(share, size, strict=True))
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(*size, generator=generator, dtype=torch.float64)
    for f in (pool2d, pool2d_unfolded):
        torch.testing.assert_close(f(X, pool_size, mode), oracle(X, pool_size, mode))


@both
def test_one_number_means_a_square_window(f):
    X = torch.randn(4, 5)
    assert torch.equal(f(X, 2), f(X, (2, 2)))


@both
@checked
def test_a_list_may_give_the_window_as_in_torch(f):
    X = torch.randn(4, 5)
    assert torch.equal(f(X, [2, 3]), f(X, (2, 3)))


@both
@pytest.mark.parametrize(
    ("dtype", "modes"),
    [
        (torch.float64, ["max", "avg"]),
        (torch.float16, ["max", "avg"]),
        (torch.bfloat16, ["max", "avg"]),
        (torch.complex64, ["avg"]),
        (torch.int64, ["max"]),
        (torch.int32, ["max"]),
        (torch.uint8, ["max"]),
    ],
    ids=str,
)
def test_type_and_device_are_kept(f, dtype, modes):
    X = torch.tensor([[0, 4, 8], [4, 8, 4], [8, 4, 0]])
    answers = {"max": [[8, 8], [8, 8]], "avg": [[4, 6], [6, 4]]}
    for mode in modes:
        Y = f(X.to(dtype), 2, mode)
        assert Y.dtype == dtype
        assert Y.tolist() == answers[mode]
        Y = f(X.to(dtype).to("meta"), 2, mode)
        assert (Y.dtype, Y.device.type, Y.shape) == (dtype, "meta", (2, 2))


@both
@both_modes
def test_gradients_reach_the_image(f, mode):
    torch.manual_seed(0)
    X = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: f(x, (2, 3), mode), X)


@both
def test_equal_largest_numbers_share_the_gradient(f):
    X = torch.ones(2, 2, requires_grad=True)
    f(X, 2).backward()
    assert X.grad.tolist() == [[0.25, 0.25], [0.25, 0.25]]


@both
@both_modes
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_come_through_as_in_torch(f, mode, value):
    X = torch.randn(5, 6)
    X[2, 3] = value
    torch.testing.assert_close(
        f(X, (2, 3), mode), oracle(X, (2, 3), mode), equal_nan=True
    )


@both
@both_modes
def test_the_image_is_left_as_it_was(f, mode):
    X = torch.randn(4, 5)
    before = X.clone()
    f(X, 2, mode)
    assert torch.equal(X, before)


@both
def test_views_that_are_not_contiguous_are_read_rightly(f):
    X = torch.randn(9, 8).T[::2, 1:]
    for mode in ("max", "avg"):
        torch.testing.assert_close(f(X, (2, 3), mode), oracle(X, (2, 3), mode))


IMAGE = torch.ones(3, 4)
REFUSED = [
    # X, pool_size, mode, error, message after the function's name
    (
        [[1.0]],
        1,
        "max",
        TypeError,
        "X must be a torch tensor of shape (H, W); got list; torch.tensor(X) makes one",
    ),
    (
        IMAGE.bool(),
        1,
        "max",
        TypeError,
        "X must hold numbers; got torch.bool; X.float() or X.to(torch.uint8) makes 0 "
        "and 1 of it",
    ),
    (
        torch.ones(1, 3, 4),
        1,
        "max",
        ValueError,
        "X must have 2 axes, (H, W); got shape (1, 3, 4) with 3",
    ),
    *(
        (
            IMAGE,
            pool_size,
            "max",
            error,
            f"pool_size must be a whole number or a pair (height, width){end}",
        )
        for pool_size, error, end in [
            ((1, 2, 1), ValueError, "; got (1, 2, 1) with 3 numbers"),
            (0, ValueError, ", each at least 1; got 0"),
            ((1, 0), ValueError, ", each at least 1; got (1, 0)"),
            (1.5, TypeError, "; got 1.5"),
        ]
    ),
    *(
        (
            torch.ones(size),
            window,
            "max",
            ValueError,
            f"the window must fit into the image; got pool_size {window} and X {size}",
        )
        for size, window in [
            ((3, 4), (4, 4)),
            ((3, 4), (3, 5)),
            ((3, 4), (5, 1)),
            ((0, 4), (1, 1)),
            ((3, 0), (1, 1)),
        ]
    ),
    *(
        (IMAGE, 2, mode, ValueError, f"mode must be 'max' or 'avg'; got {mode!r}")
        for mode in ("mean", "MAX", "", None, ["max"])
    ),
    *(
        (
            IMAGE.to(dtype),
            2,
            "avg",
            TypeError,
            f"the mean of {dtype} numbers is not a whole number; average X.float() "
            "instead",
        )
        for dtype in (torch.int64, torch.uint8)
    ),
    (
        IMAGE.to(torch.complex64),
        2,
        "max",
        TypeError,
        "complex numbers have no largest; got torch.complex64; pool X.abs() instead",
    ),
]


@both
@pytest.mark.parametrize(("X", "pool_size", "mode", "error", "message"), REFUSED)
@checked
def test_what_cannot_be_pooled_is_named(f, X, pool_size, mode, error, message):
    with pytest.raises(error, match=f"^{f.__name__}: {re.escape(message)}$"):
        f(X, pool_size, mode)


@both
def test_under_the_shape_checker_a_wrong_rank_names_the_argument(f):
    with pytest.raises(jaxtyping.TypeCheckError, match=r"typechecking parameter 'X'"):
        f(torch.ones(1, 3, 4), 2)


@both
def test_a_window_as_large_as_the_image_gives_one_number(f):
    X = counting(3, 4)
    assert f(X, (3, 4)).tolist() == [[11]]
    assert f(X, (3, 4), "avg").tolist() == [[5.5]]
