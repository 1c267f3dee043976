"""The product of two matrices, by whichever of torch's two CPU libraries is quicker.

torch multiplies float32 matrices with MKL, which on processors that Intel did not make
keeps to the narrower half of their instructions. oneDNN, with which torch convolves,
does not; torch's compiler reaches its product by a private operator, and so do we,
where it exists and the matrices are large enough to gain.
"""

import torch
from torch import Tensor

# Below this many multiply-adds both take about equally long.
_WORTHWHILE = 2**21


def matrix_product(A: Tensor, B: Tensor) -> Tensor:
    """Multiply two matrices of floating-point or complex numbers.

    Takes ``(m, k)`` and ``(k, n)``, gives ``(m, n)``; type, device and errors are those
    of ``torch.matmul``, and so is every call that wants a gradient. Introduced in
    :doc:`/book/channels`.

    Examples
    --------
    >>> A, B = torch.rand(128, 256), torch.rand(256, 64)
    >>> torch.allclose(matrix_product(A, B), A @ B, rtol=1e-5)
    True
    """
    if A.numel() * B.shape[-1] >= _WORTHWHILE and _suits_onednn(A, B):
        return torch.ops.mkldnn._linear_pointwise(A, B.T, None, "none", [], "")
    return torch.matmul(A, B)


def _suits_onednn(A: Tensor, B: Tensor) -> bool:
    """Tell whether the private operator knows such matrices."""
    return (
        A.ndim == B.ndim == 2
        and A.shape[1] == B.shape[0]
        and A.dtype == B.dtype == torch.float32
        and A.device.type == B.device.type == "cpu"
        # It has neither gradients nor rules for torch.func and autocast.
        and not (torch.is_grad_enabled() and (A.requires_grad or B.requires_grad))
        and not torch._C._functorch.peek_interpreter_stack()
        and not torch.is_autocast_enabled("cpu")
        # Others it would read by a far slower way.
        and (A.is_contiguous() or A.T.is_contiguous())
        and (B.is_contiguous() or B.T.is_contiguous())
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )
