# way: one number at a time, += on one element
# %% corr2d
def corr2d(X, K):
    H, W = X.shape
    h, w = K.shape
    Y = torch.zeros(H - h + 1, W - w + 1)
    for i in range(H - h + 1):
        for j in range(W - w + 1):
            for a in range(h):
                for b in range(w):
                    Y[i, j] += X[i + a, j + b] * K[a, b]
    return Y
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    H, W = X.shape
    h, w = K.shape
    rows = (H - h + 2 * padding[0] + stride[0]) // stride[0]
    columns = (W - w + 2 * padding[1] + stride[1]) // stride[1]
    Y = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            for a in range(h):
                for b in range(w):
                    y = i * stride[0] + a - padding[0]
                    x = j * stride[1] + b - padding[1]
                    if 0 <= y < H and 0 <= x < W:
                        Y[i, j] += X[y, x] * K[a, b]
    return Y
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels")
    result = []
    for o in range(K.shape[0]):
        Y = corr2d(X[0], K[o, 0])
        for c in range(1, X.shape[0]):
            Y += corr2d(X[c], K[o, c])
        result.append(Y)
    return torch.stack(result)
