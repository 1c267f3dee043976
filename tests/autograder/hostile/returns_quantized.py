"""A quantised tensor does not cross the wire.

Score: 2
"""

import torch


def double(X):
    return torch.quantize_per_tensor(2 * X, 0.1, 0, torch.quint8)
