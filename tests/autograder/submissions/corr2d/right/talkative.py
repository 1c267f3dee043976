# way: prints, warnings, helper functions, other cells with a magic and a plot
# %% extra
%matplotlib inline
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
# %% corr2d
import warnings

def places(n, k):
    print("a kernel of", k, "on", n)
    return n - k + 1

def corr2d(X, K):
    warnings.warn("this is slow")
    Y = torch.zeros(places(X.shape[0], K.shape[0]), places(X.shape[1], K.shape[1]))
    for i, j in torch.cartesian_prod(torch.arange(Y.shape[0]), torch.arange(Y.shape[1])):
        Y[i, j] = torch.sum(K * X[i:i + K.shape[0], j:j + K.shape[1]])
    return Y
print(corr2d(torch.eye(3), torch.ones(2, 2)))
# %% extra
corr2d(torch.rand(3, 3), torch.rand(2, 2))
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding=(0, 0), stride=(1, 1)):
    print(f"{padding=} {stride=}")
    return corr2d(F.pad(X, [padding[1]] * 2 + [padding[0]] * 2), K)[::stride[0], ::stride[1]]
# %% corr2d_multi_in_out
class ChannelError(ValueError):
    """X and K do not fit."""

def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ChannelError("X and K do not fit")
    return torch.stack([sum(corr2d(x, k) for x, k in zip(X, Ks)) for Ks in K])
