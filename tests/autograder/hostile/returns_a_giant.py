"""A tensor larger than a message may be.

Score: 2
"""

import torch


def double(X):
    return torch.zeros(1 << 27)
