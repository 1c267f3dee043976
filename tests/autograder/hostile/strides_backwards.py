"""A view whose numbers lie on top of each other, and one of a giant.

Score: 2
"""

import torch


def double(X):
    return torch.zeros(1).as_strided((1 << 20, 1 << 20), (0, 0))
