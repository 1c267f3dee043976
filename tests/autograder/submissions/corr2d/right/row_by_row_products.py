# way: each kernel row as a matrix-vector product with the windows of one row
# %% corr2d
def corr2d(X, K):
    strips = X.unfold(1, K.shape[1], 1)  # (H, W', w)
    rows = X.shape[0] - K.shape[0] + 1
    return sum(strips[a:a + rows] @ K[a] for a in range(K.shape[0]))
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    H, W = X.shape
    P = X.new_zeros((H + 2 * padding[0], W + 2 * padding[1]))
    P[padding[0]:H + padding[0], padding[1]:W + padding[1]].copy_(X)
    Y = corr2d(P, K)
    rows = torch.arange(0, Y.shape[0], stride[0])
    columns = torch.arange(0, Y.shape[1], stride[1])
    return Y[rows][:, columns]
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    c_o, c_i, h, w = K.shape
    if c_i != X.shape[0]:
        raise ValueError("wrong channels")
    flat = [torch.cat([X[:, i:i + h, j:j + w].reshape(-1, 1)
                       for j in range(X.shape[2] - w + 1)], 1)
            for i in range(X.shape[1] - h + 1)]
    return torch.stack([K.reshape(c_o, -1) @ f for f in flat], 1)
