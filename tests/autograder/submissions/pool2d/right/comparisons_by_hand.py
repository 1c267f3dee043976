# way: a search with >, so that NaN is passed over (advice only)
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError("no such mode")
    h, w = pool_size
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            best, total = X[i, j], 0
            for a in range(h):
                for b in range(w):
                    total = total + X[i + a, j + b]
                    if X[i + a, j + b] > best:
                        best = X[i + a, j + b]
            Y[i, j] = best if mode == 'max' else total / (h * w)
    return Y
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q) = pool_size, padding
    s, t = pool_size if stride is None else stride
    if p + p > h or q + q > w:
        raise ValueError("too much")
    N, C, H, W = X.shape
    rows, columns = (H + 2 * p - h) // s + 1, (W + 2 * q - w) // t + 1
    Y = torch.empty(N, C, rows, columns)
    for i in range(rows):
        for j in range(columns):
            top, left = i * s - p, j * t - q
            window = X[:, :, max(top, 0):top + h, max(left, 0):left + w]
            if mode == 'max':
                Y[:, :, i, j] = window.amax((-2, -1))
            else:
                Y[:, :, i, j] = window.sum((-2, -1)) / (h * w)
    return Y
