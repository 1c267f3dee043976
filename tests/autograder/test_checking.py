"""What an expectation says, and that it can fail."""

import math

import pytest
import torch

from autograder import checking
from autograder.checking import (
    Batches,
    Case,
    CheckFailed,
    Draw,
    Net,
    events_of,
    expect,
    expect_close,
    expect_equal,
    expect_operators_unused,
    expect_same_weights,
    reference,
)
from autograder.wire import Foreign

ONES = torch.ones(2, 3)

AGREE = [
    (ONES, ONES),
    (ONES.double(), ONES),
    (ONES.int(), ONES),
    (ONES + 1e-7, ONES),
    (1.0, torch.tensor(1.0)),
    (torch.tensor([math.nan, 1.0]), torch.tensor([math.nan, 1.0])),
    (torch.tensor([math.inf]), torch.tensor([math.inf])),
    (torch.zeros(0, 2), torch.zeros(0, 2)),
]


@pytest.mark.parametrize(("answer", "expected"), AGREE, ids=str)
def test_an_equal_answer_passes(answer, expected):
    expect_close(answer, expected)


DIFFER = [
    (ONES.T, "shape \\(3, 2\\); \\(2, 3\\) is expected"),
    (ONES[None], "shape \\(1, 2, 3\\)"),
    (ONES * 2, "6 of 6 numbers differ, the first at index \\(0, 0\\)"),
    (ONES * math.nan, "6 of 6 numbers differ"),
    (ONES.to(torch.complex64), "dtype complex64; float32 is expected"),
    ([1.0], "a tensor is expected"),
    (None, "The result is None; a tensor is expected"),
    (True, "The result is True; a tensor is expected"),
    (Foreign("sparse_coo tensor"), "The result is a sparse_coo tensor"),
]


@pytest.mark.parametrize(("answer", "message"), DIFFER, ids=lambda v: str(v)[:20])
def test_another_answer_fails_and_says_how_it_differs(answer, message):
    with pytest.raises(CheckFailed, match=message):
        expect_close(answer, ONES)


def test_the_message_shows_no_expected_numbers():
    with pytest.raises(CheckFailed) as failed:
        expect_close(torch.zeros(2), torch.tensor([123.0, 456.0]))
    assert "123" not in failed.value.message


def test_dtype_counts_only_where_it_is_asked_for():
    with pytest.raises(CheckFailed, match="dtype float64; float32 is expected"):
        expect_close(ONES.double(), ONES, dtype=True)


def test_a_known_mistake_gets_its_hint_and_another_the_general_one():
    X = torch.arange(4.0)
    mistakes = {"Squared?": X * X, "Reversed?": lambda: X.flip(0)}
    for answer, hint in [(X * X, "Squared?"), (X.flip(0), "Reversed?"), (X + 5, "?")]:
        with pytest.raises(CheckFailed) as failed:
            expect_close(answer, X, hint="?", mistakes=mistakes)
        assert failed.value.hint == hint


def test_a_mistake_that_this_case_cannot_show_is_no_hint():
    with pytest.raises(CheckFailed) as failed:
        expect_close(ONES + 1, ONES, hint="none", mistakes={"Same": ONES})
    assert failed.value.hint == "none"


def test_expect_equal_compares_kind_and_value():
    expect_equal([1, 2], [1, 2], "The list")
    with pytest.raises(CheckFailed, match="The number is 3; it should be 4"):
        expect_equal(3, 4, "The number")
    with pytest.raises(CheckFailed, match="it should be 1"):
        expect_equal(True, 1, "The number")


def test_expect_takes_any_condition():
    expect(1, "never")
    with pytest.raises(CheckFailed, match="empty"):
        expect([], "empty", "hint")


def test_a_case_says_what_it_has():
    case = Case("wide", image=(5, 7))
    with pytest.raises(AttributeError, match="no 'kernel'; it has image"):
        case.kernel


def test_draws_repeat_with_the_seed_and_differ_without():
    def drawn(seed):
        draw = Draw(seed)
        return [
            draw.normal(2).tolist(),
            draw.uniform(2, low=3, high=4).tolist(),
            draw.integers(2, low=0, high=9).tolist(),
            draw.different(3, 7, 3),
            draw.pick("abc"),
            draw.seed(),
        ]

    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)


def test_different_sizes_are_distinct_and_in_range():
    for seed in range(50):
        sizes = Draw(seed).different(3, 6, 3)
        assert len(set(sizes)) == 3
        assert all(3 <= s <= 6 for s in sizes)


def test_references_are_observed_like_students():
    net = Net([("Linear", 3, 2)], seed=1)
    data = Batches(torch.ones(5, 3), torch.zeros(5, 2), 2)

    def train(net, data):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        net.train()
        for X, y in data:
            optimizer.zero_grad()
            ((net(X) - y) ** 2).sum().backward()
            optimizer.step()
        net.eval()
        return 1.0

    seen = reference(train, net, data)
    assert seen.value == 1.0
    assert [e.size for e in events_of(seen, "forward")] == [2, 2, 1]
    assert all(e.training and e.grad for e in events_of(seen, "forward"))
    assert [e.detail for e in events_of(seen, "step")] == ["SGD lr=0.1"] * 3
    assert [e.training for e in events_of(seen, "mode")] == [True, False]
    assert not seen.nets[0].training
    again = reference(train, net, data)
    expect_same_weights(again.nets[0], seen.nets[0])
    other = reference(lambda net, data: None, net, data)
    with pytest.raises(CheckFailed, match="2 of 2 weight tensors differ") as failed:
        expect_same_weights(
            other.nets[0], seen.nets[0], mistakes={"No step?": other.nets[0]}
        )
    assert failed.value.hint == "No step?"


def test_the_reference_leaves_the_random_state_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    reference(lambda: torch.rand(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_spy_sees_the_operators_that_run():
    X, K = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)
    seen = reference(torch.nn.functional.conv2d, X, K)
    with pytest.raises(CheckFailed, match="PyTorch's own convolution operator"):
        expect_operators_unused(seen, ["convolution"])
    expect_operators_unused(reference(torch.add, X, X), ["convolution"])


def test_gradients_aliases_and_changes_are_observed():
    X = torch.ones(3)
    seen = reference(lambda X: X * X, X, cotangent=torch.tensor([1.0, 2.0, 3.0]))
    assert seen.grads[0].tolist() == [2.0, 4.0, 6.0]
    assert seen.aliases == [False]
    assert reference(lambda X: X.T, torch.ones(2, 2)).aliases == [True]
    assert reference(lambda X: X.add_(1), torch.ones(2)).inputs[0].tolist() == [
        2.0,
        2.0,
    ]


def test_unknown_layers_are_named():
    with pytest.raises(ValueError, match="layer 'Load' is not one of AvgPool2d"):
        Net([("Load",)])


def test_everything_that_authors_need_is_exported():
    assert set(checking.__all__) <= set(dir(checking))
