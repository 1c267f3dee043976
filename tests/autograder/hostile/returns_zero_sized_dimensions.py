"""A shape whose product overflows, without any data.

Score: 2
"""

import torch


def double(X):
    return torch.zeros(0, 1 << 40, 1 << 20)
