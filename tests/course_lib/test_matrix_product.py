"""Matrix products: torch's numbers from either library, and the right one asked."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import _matrix_product
from course_lib._matrix_product import matrix_product

BIG = (128, 256, 128)  # rows, inner, columns


def matrices(m, k, n, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(m, k, generator=generator).to(dtype),
        torch.randn(k, n, generator=generator).to(dtype),
    )


@pytest.fixture
def asked(monkeypatch):
    """Which of the two libraries was asked, call by call."""
    calls, matmul = [], torch.matmul
    onednn = torch.ops.mkldnn._linear_pointwise

    class Operators:
        @staticmethod
        def _linear_pointwise(*arguments):
            calls.append("oneDNN")
            return onednn(*arguments)

    monkeypatch.setattr(torch.ops, "mkldnn", Operators)
    monkeypatch.setattr(
        torch, "matmul", lambda *both: (calls.append("torch"), matmul(*both))[1]
    )
    return calls


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    turned=st.tuples(st.booleans(), st.booleans()),
)
def test_small_sizes_and_layouts_by_either_library(sizes, turned):
    A, B = matrices(*sizes)
    expected = (A.double() @ B.double()).float()
    A = A.T.contiguous().T if turned[0] else A
    B = B.T.contiguous().T if turned[1] else B
    torch.testing.assert_close(matrix_product(A, B), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("turned", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_large_matrices_are_onednns_in_any_contiguous_layout(asked, turned):
    A, B = matrices(*BIG)
    expected = (A.double() @ B.double()).float()
    A = A.T.contiguous().T if turned[0] else A
    B = B.T.contiguous().T if turned[1] else B
    Y = matrix_product(A, B)
    assert asked == ["oneDNN"]
    torch.testing.assert_close(Y, expected, atol=1e-4, rtol=1e-4)
    assert Y.is_contiguous()


def big(**options):
    A, B = matrices(*BIG)
    return A.to(**options), B.to(**options)


def with_gradient():
    A, B = big()
    return A, B.requires_grad_()


def sparse_rows():
    A, B = matrices(128, 512, 128)
    return A[:, ::2], B[:256]


TORCHS = {
    "small": lambda: matrices(128, 128, 127),
    "double": lambda: big(dtype=torch.float64),
    "complex": lambda: big(dtype=torch.complex64),
    "half": lambda: big(dtype=torch.bfloat16),
    "meta": lambda: big(device="meta"),
    "gradient": with_gradient,
    "strided": sparse_rows,
    "batched": lambda: (torch.rand(2, 128, 256), torch.rand(2, 256, 128)),
}


@pytest.mark.parametrize("make", TORCHS.values(), ids=TORCHS.keys())
def test_all_else_is_torchs(asked, make):
    A, B = make()
    Y = matrix_product(A, B)
    assert asked == ["torch"]
    assert Y.dtype == A.dtype
    assert Y.shape == (*A.shape[:-1], B.shape[-1])


def test_gradients_flow_unless_they_are_off(asked):
    A, B = with_gradient()
    matrix_product(A, B).sum().backward()
    torch.testing.assert_close(B.grad, A.sum(0)[:, None].expand(256, 128))
    with torch.no_grad():
        assert not matrix_product(A, B).requires_grad
    assert asked == ["torch", "oneDNN"]


def test_autocast_lowers_the_precision_as_of_torchs():
    A, B = big()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert matrix_product(A, B).dtype == torch.bfloat16


def test_it_can_be_mapped_over_a_batch():
    A, B = torch.rand(3, 128, 256), torch.rand(3, 256, 128)
    Y = torch.vmap(matrix_product)(A, B)
    torch.testing.assert_close(Y, A @ B)


def test_shapes_that_do_not_fit_have_torchs_error():
    with pytest.raises(RuntimeError, match=r"shapes cannot be multiplied"):
        matrix_product(torch.rand(128, 256), torch.rand(255, 128))


def test_a_torch_without_the_operator_multiplies_too(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    A, B = big()
    torch.testing.assert_close(matrix_product(A, B), torch.matmul(A, B))


def test_from_where_on_it_is_worthwhile(asked):
    assert _matrix_product._WORTHWHILE == 2**21
    matrix_product(*matrices(128, 128, 128))
    matrix_product(*matrices(128, 127, 128))
    assert asked == ["oneDNN", "torch"]
