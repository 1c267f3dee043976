# way: one row after the other, recursion over the rows, functools.reduce
# %% corr2d
from functools import reduce

def one_row(X, K):
    """Cross-correlate h rows of X with K: one row of the result."""
    w = K.shape[1]
    return torch.stack([torch.sum(X[:, j:j + w] * K) for j in range(X.shape[1] - w + 1)])

def corr2d(X, K):
    first = one_row(X[:K.shape[0]], K)[None]
    if X.shape[0] == K.shape[0]:
        return first
    return torch.vstack((first, corr2d(X[1:], K)))
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    bigger = torch.nn.functional.pad(X, (padding[1], padding[1], padding[0], padding[0]),
                                     "constant", 0)
    rows = [one_row(bigger[i:i + K.shape[0]], K)[::stride[1]]
            for i in range(0, bigger.shape[0] - K.shape[0] + 1, stride[0])]
    return torch.stack(rows)
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("no")
    return torch.stack([reduce(torch.add, map(corr2d, X.unbind(), k.unbind()))
                        for k in K.unbind()])
