# way: as_strided views and tensordot
# %% corr2d
def corr2d(X, K):
    X = X.contiguous()
    size = (X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1, *K.shape)
    windows = X.as_strided(size, X.stride() * 2)
    return torch.tensordot(windows, K, dims=2)
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    X = F.pad(X, (padding[1], padding[1], padding[0], padding[0])).contiguous()
    rows = (X.shape[0] - K.shape[0]) // stride[0] + 1
    columns = (X.shape[1] - K.shape[1]) // stride[1] + 1
    steps = (X.stride(0) * stride[0], X.stride(1) * stride[1], *X.stride())
    windows = X.as_strided((rows, columns, *K.shape), steps)
    return torch.tensordot(windows, K, dims=2)
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels")
    windows = X.unfold(1, K.shape[2], 1).unfold(2, K.shape[3], 1)
    return torch.tensordot(K, windows, dims=([1, 2, 3], [0, 3, 4]))
