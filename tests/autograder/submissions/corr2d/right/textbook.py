# way: the book's own functions, float32 buffer and all
# %% corr2d
def corr2d(X, K):
    """Compute 2D cross-correlation."""
    h, w = K.shape
    Y = torch.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    P = torch.zeros(X.shape[0] + 2 * padding[0], X.shape[1] + 2 * padding[1])
    P[padding[0]:padding[0] + X.shape[0], padding[1]:padding[1] + X.shape[1]] = X
    return corr2d(P, K)[::stride[0], ::stride[1]]
# %% corr2d_multi_in_out
def corr2d_multi_in(X, K):
    return sum(corr2d(x, k) for x, k in zip(X, K))

def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("the channels do not match")
    return torch.stack([corr2d_multi_in(X, k) for k in K], 0)
