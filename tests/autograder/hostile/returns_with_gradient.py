"""A result that is part of a graph; the answer is right.

Score: 5
"""

import torch

scale = torch.tensor(2.0, requires_grad=True)


def double(X):
    return scale * X
