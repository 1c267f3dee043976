# way: sums in float64, and the result stays float64
# %% corr2d
def corr2d(X, K):
    X, K = X.double(), K.double()
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1, dtype=torch.float64)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = torch.dot(X[i:i + h, j:j + w].reshape(-1), K.reshape(-1))
    return Y
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    X = F.pad(X.double(), (padding[1],) * 2 + (padding[0],) * 2)
    return corr2d(X, K)[::stride[0], ::stride[1]].clone()
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError(f"{X.shape} does not go with {K.shape}")
    return torch.stack([sum(map(corr2d, X, kernel)) for kernel in K])
