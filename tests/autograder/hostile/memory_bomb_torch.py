"""A tensor of a terabyte.

Score: 2
"""

import torch


def double(X):
    return torch.ones(1 << 38)
