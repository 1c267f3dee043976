"""A complex tensor whose real part is right.

Score: 2
"""

import torch


def double(X):
    return torch.complex(2 * X, X)
