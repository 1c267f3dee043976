# way: the book's function; the layer with loops over everything
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(f"mode must be 'max' or 'avg', not {mode!r}")
    p_h, p_w = pool_size
    Y = torch.zeros((X.shape[0] - p_h + 1, X.shape[1] - p_w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            if mode == 'max':
                Y[i, j] = X[i: i + p_h, j: j + p_w].max()
            elif mode == 'avg':
                Y[i, j] = X[i: i + p_h, j: j + p_w].mean()
    return Y
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    if stride is None:
        stride = pool_size
    if padding[0] > pool_size[0] / 2 or padding[1] > pool_size[1] / 2:
        raise ValueError("padding should be at most half of the window")
    N, C, H, W = X.shape
    value = -torch.inf if mode == 'max' else 0
    out = []
    for n in range(N):
        for c in range(C):
            P = torch.full((H + 2 * padding[0], W + 2 * padding[1]), value, dtype=X.dtype)
            P[padding[0]:padding[0] + H, padding[1]:padding[1] + W] = X[n, c]
            out.append(pool2d(P, pool_size, mode)[::stride[0], ::stride[1]])
    return torch.stack(out).reshape(N, C, *out[0].shape)
