"""The convolution that explorers compute in JavaScript, against torch's own."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from tests.course_lib.widgets.javascript import call_javascript

CASES = 5_000


def _matrix(values: torch.Tensor) -> dict[str, Any]:
    rows, cols = values.shape
    return {"rows": rows, "cols": cols, "data": values.flatten().tolist()}


def _cases(seed: int) -> list[tuple[torch.Tensor, torch.Tensor, dict[str, Any]]]:
    """Random images, kernels and options, of which at least one window fits."""
    draw, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    found = []
    while len(found) < CASES:
        size = [draw.randint(1, 12) for _ in range(2)]
        kernel = [draw.randint(1, 7) for _ in range(2)]
        options = {
            "padding": [[draw.randint(0, 3), draw.randint(0, 3)] for _ in range(2)],
            "stride": [draw.randint(1, 4) for _ in range(2)],
            "dilation": [draw.randint(1, 3) for _ in range(2)],
        }
        if all(
            n + sum(p) >= d * (k - 1) + 1
            for n, k, p, d in zip(
                size, kernel, options["padding"], options["dilation"], strict=True
            )
        ):
            X = torch.randn(size, generator=generator, dtype=torch.float64)
            K = torch.randn(kernel, generator=generator, dtype=torch.float64)
            found.append((X, K, options))
    return found


def _torch(X: torch.Tensor, K: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
    (top, bottom), (left, right) = options["padding"]
    padded = F.pad(X, (left, right, top, bottom))
    Y = F.conv2d(
        padded[None, None],
        K[None, None],
        stride=options["stride"],
        dilation=options["dilation"],
    )
    return Y[0, 0]  # (H', W')


def _flipped(K: torch.Tensor) -> torch.Tensor:
    return K.flip(0, 1)


@pytest.mark.parametrize(
    ("name", "prepare", "seed"),
    [("crossCorrelate", torch.clone, 1), ("convolve", _flipped, 2)],
)
def test_javascript_gives_torchs_numbers(
    name: str, prepare: Callable[[torch.Tensor], torch.Tensor], seed: int
) -> None:
    cases = _cases(seed)
    calls = [(name, [_matrix(X), _matrix(K), options]) for X, K, options in cases]
    answers = call_javascript("convolution.js", calls)
    assert len(answers) == CASES
    for (X, K, options), answer in zip(cases, answers, strict=True):
        expected = _torch(X, prepare(K), options)
        assert (answer["rows"], answer["cols"]) == tuple(expected.shape)
        got = torch.tensor(answer["data"], dtype=torch.float64).reshape(expected.shape)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def test_the_products_under_a_window_are_pixel_times_weight_and_zero_in_padding() -> (
    None
):
    cases = _cases(3)
    draw = random.Random(4)
    calls, expected = [], []
    for X, K, options in cases:
        (top, bottom), (left, right) = options["padding"]
        d_h, d_w = options["dilation"]
        padded = F.pad(X, (left, right, top, bottom))
        span_h, span_w = d_h * (K.shape[0] - 1) + 1, d_w * (K.shape[1] - 1) + 1
        r = draw.randint(0, padded.shape[0] - span_h)
        c = draw.randint(0, padded.shape[1] - span_w)
        window = padded[r : r + span_h : d_h, c : c + span_w : d_w]  # (k_h, k_w)
        expected.append((window * K).flatten().tolist())
        args = [_matrix(X), _matrix(K), r - top, c - left, options["dilation"]]
        calls.append(("products", args))
    answers = call_javascript("convolution.js", calls)
    assert answers == [pytest.approx(products, abs=1e-15) for products in expected]


@pytest.mark.parametrize(
    ("size", "kernel", "shape"),
    [((2, 4), (3, 3), (0, 2)), ((4, 2), (3, 3), (2, 0)), ((1, 1), (2, 2), (0, 0))],
)
def test_a_kernel_that_does_not_fit_gives_no_rows_or_no_columns(
    size: tuple[int, int], kernel: tuple[int, int], shape: tuple[int, int]
) -> None:
    image, weights = _matrix(torch.ones(size)), _matrix(torch.ones(kernel))
    [answer] = call_javascript("convolution.js", [("crossCorrelate", [image, weights])])
    assert (answer["rows"], answer["cols"]) == shape
    assert answer["data"] == []


def test_rows_become_a_matrix_and_come_back() -> None:
    rows = [[1, 2, 3], [4, 5, 6]]
    [matrix] = call_javascript("convolution.js", [("fromRows", [rows])])
    assert matrix == {"rows": 2, "cols": 3, "data": [1, 2, 3, 4, 5, 6]}
    assert call_javascript("convolution.js", [("toRows", [matrix])]) == [rows]
