"""A product of matrices that takes hours.

Score: 2
"""

import torch


def double(X):
    A = torch.ones(8000, 8000)
    for _ in range(1000):
        A = A @ A
    return A
