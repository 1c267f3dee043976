"""The learned-kernel lab against the section's own training loop."""

import math
from typing import Any

import pytest
import torch
import traitlets
from torch import nn

from course_lib.widgets import images
from course_lib.widgets.learned_kernel_lab import (
    EIGENVALUES,
    GRAM,
    LIMIT,
    LearnedKernelLab,
    descend,
    loss,
)
from tests.course_lib.widgets.javascript import call_javascript


def _train(
    start: tuple[float, float], lr: float, steps: int
) -> tuple[list[list[float]], list[float]]:
    """The loop of the section, in double precision: kernels and losses."""
    X = torch.tensor(images.edges(), dtype=torch.float64).reshape(1, 1, 6, 8)
    Y = X[..., :-1] - X[..., 1:]  # (1, 1, 6, 7)
    conv2d = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False, dtype=torch.float64)
    conv2d.weight.data[:] = torch.tensor(start, dtype=torch.float64)
    kernels, losses = [list(start)], []
    for _ in range(steps + 1):
        value = ((conv2d(X) - Y) ** 2).sum()
        losses.append(value.item())
        conv2d.zero_grad()
        value.backward()
        conv2d.weight.data[:] -= lr * conv2d.weight.grad
        kernels.append(conv2d.weight.flatten().tolist())
    return kernels[: steps + 1], losses


RUNS = [
    ((0.6, 0.5), 0.03, 10),
    ((0.0, 0.0), 0.001, 60),
    ((-1.0, 1.0), 1 / 36, 30),
    ((3.0, -3.0), 1 / 30, 20),
    ((0.2, -0.7), 0.0334, 60),
    ((2.5, 0.1), 0.04, 40),
    ((0.5, 0.5), 0.02, 0),
]


@pytest.mark.parametrize(("start", "lr", "steps"), RUNS)
def test_the_path_and_the_losses_are_those_of_the_training_loop(
    start: tuple[float, float], lr: float, steps: int
) -> None:
    kernels, losses = _train(start, lr, steps)
    lab = LearnedKernelLab(lr, steps, start)
    assert [list(point) for point in lab.path] == [
        pytest.approx(kernel, rel=1e-9, abs=1e-12) for kernel in kernels
    ]
    assert lab.losses == pytest.approx(losses, rel=1e-8, abs=1e-12)
    assert lab.kernel == lab.path[-1]


def test_javascript_walks_the_same_paths() -> None:
    module = "learned_kernel_lab.js"
    paths = call_javascript(
        module, [("descend", [list(start), lr, steps]) for start, lr, steps in RUNS]
    )
    for (start, lr, steps), path in zip(RUNS, paths, strict=True):
        expected = descend(start, lr, steps)
        assert path == [pytest.approx(point, rel=1e-12) for point in expected]
        losses = call_javascript(module, [("lossAt", [point]) for point in path])
        assert losses == pytest.approx([loss(p) for p in expected], abs=1e-12)


def test_the_gram_matrix_and_the_eigenvalues_are_those_of_the_edge_image() -> None:
    X = torch.tensor(images.edges(), dtype=torch.float64)
    columns = torch.stack([X[:, :-1].flatten(), X[:, 1:].flatten()])  # (2, 42)
    gram = columns @ columns.T  # (2, 2)
    assert gram.tolist() == [list(row) for row in GRAM]
    values, vectors = torch.linalg.eigh(2 * gram)
    torch.testing.assert_close(values, torch.tensor(EIGENVALUES, dtype=torch.float64))
    assert math.isclose(vectors[0, 0] * vectors[1, 0], -0.5)  # along [1, -1]
    assert math.isclose(vectors[0, 1] * vectors[1, 1], 0.5)  # along [1, 1]


@pytest.mark.parametrize(
    ("lr", "factors", "diverges"),
    [
        (0.03, (0.64, -0.8), False),
        (1 / 36, (2 / 3, -2 / 3), False),
        (0.0333, (0.6004, -0.998), False),
        (0.0334, (0.5992, -1.004), True),
        (0.04, (0.52, -1.4), True),
    ],
)
def test_the_factors_cross_minus_one_at_one_thirtieth(
    lr: float, factors: tuple[float, float], diverges: bool
) -> None:
    lab = LearnedKernelLab(lr)
    assert lab.factors == pytest.approx(factors)
    assert lab.diverges is diverges
    assert (lab.losses[-1] > lab.losses[-2]) is diverges
    answer = call_javascript("learned_kernel_lab.js", [("stepFactors", [lr])])
    assert answer == [pytest.approx(factors)]


def test_the_limit_is_two_over_the_largest_eigenvalue() -> None:
    assert pytest.approx(1 / 30) == LIMIT
    assert LearnedKernelLab().eigenvalues == (12.0, 60.0)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (0.64, "shrinks without overshooting"),
        (-0.8, "overshoots, and shrinks"),
        (1 - 60 / 30, "swings back and forth for ever"),
        (-1.004, "overshoots further every time: it grows"),
    ],
)
def test_a_factor_is_put_into_words(factor: float, words: str) -> None:
    calls = [("factorInWords", [factor])]
    assert call_javascript("learned_kernel_lab.js", calls) == [words]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": 0.05}, "learning_rate.*0.05"),
        ({"learning_rate": 0.0}, "learning_rate.*0"),
        ({"steps": 61}, "steps.*61"),
        ({"steps": -1}, "steps.*-1"),
        ({"start": (4.0, 0.0)}, "start_0.*4"),
        ({"start": (0.0, 2.0)}, "start_1.*2"),
    ],
)
def test_arguments_out_of_range_are_named_with_their_value(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(traitlets.TraitError, match=message):
        LearnedKernelLab(**arguments)


def test_moving_the_learning_rate_in_python_moves_the_slider() -> None:
    lab = LearnedKernelLab()
    lab.learning_rate = 0.0333
    assert lab.controls["learning_rate"].value == 0.0333
    lab.reset()
    assert lab.learning_rate == 0.03


def test_the_description_reports_the_run() -> None:
    text = LearnedKernelLab(0.03, 10).description()
    assert "by 0.64 along [1, −1] and by -0.8 along [1, 1]" in text
    assert "After 10 steps" in text
