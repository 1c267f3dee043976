"""The matrix trait: what it takes, and what it says of the rest."""

from typing import Any

import pytest
import torch
import traitlets

from course_lib.widgets.matrix import Matrix


class Holder(traitlets.HasTraits):
    X = Matrix([[0.0]], rows=3, columns=4, low=0.0, high=1.0)


@pytest.mark.parametrize(
    "value",
    [
        [[0, 1], [1, 0]],
        ((0, 1), (1, 0)),
        torch.tensor([[0, 1], [1, 0]]),
        torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True),
        torch.tensor([[0.0, 1.0], [1.0, 0.0]])[None, None],
        torch.tensor([[0.0, 1.0], [1.0, 0.0]]).numpy(),
    ],
    ids=["lists", "tuples", "integers", "requires grad", "conv weight", "numpy"],
)
def test_a_matrix_is_taken_from_lists_arrays_and_tensors(value: Any) -> None:
    assert Holder(X=value).X == [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize("value", [[[0.5, 1.0]], [[0.5], [1.0]], [[0.5]]])
def test_a_matrix_of_one_row_or_column_keeps_its_shape(value: Any) -> None:
    assert Holder(X=value).X == value
    assert Holder(X=torch.tensor(value)[None, None]).X == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0.0, 1.0], "X is not a matrix: pass rows of numbers"),
        (0.5, "X is not a matrix"),
        (torch.zeros(2, 2, 2), "something that is not a number"),
        ([[]], "X is not a matrix"),
        ([], "X is not a matrix"),
        ([[0.0], [0.0, 1.0]], "X has rows of different lengths"),
        ([[0.0]] * 4, "X is 4 × 1; at most 3 × 4 is drawn"),
        ([["white"]], "X holds something that is not a number"),
        ([[float("nan")]], "X holds a value that is not finite"),
        ([[-0.5]], r"X has values from -0.5 to -0.5; they must lie in \[0, 1\]"),
        ([[0, 255]], r"from 0 to 255; they must lie in \[0, 1\] \(divide bytes"),
    ],
)
def test_a_matrix_out_of_range_is_named_with_the_range(
    value: Any, message: str
) -> None:
    with pytest.raises(traitlets.TraitError, match=message):
        Holder(X=value)
