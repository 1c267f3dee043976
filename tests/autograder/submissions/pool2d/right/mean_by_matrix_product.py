# way: means as products with averaging matrices, maxima by cumulative comparison
# %% pool2d
def averager(n, k, s=1):
    rows = (n - k) // s + 1
    A = torch.zeros(rows, n)
    for i in range(rows):
        A[i, i * s:i * s + k] = 1 / k
    return A

def pool2d(X, pool_size, mode='max'):
    if mode == 'avg':
        return averager(X.shape[0], pool_size[0]) @ X @ averager(X.shape[1], pool_size[1]).T
    if mode != 'max':
        raise ValueError(mode)
    rows = torch.stack([X[i:i + pool_size[0]].max(dim=0).values
                        for i in range(len(X) - pool_size[0] + 1)])
    return torch.stack([rows[:, j:j + pool_size[1]].max(dim=1).values
                        for j in range(X.shape[1] - pool_size[1] + 1)], dim=1)
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q), (s, t) = pool_size, padding, stride or pool_size
    if h < 2 * p or w < 2 * q:
        raise ValueError((pool_size, padding))
    if mode == 'avg':
        X = F.pad(X, (q, q, p, p))
        return averager(X.shape[2], h, s) @ X @ averager(X.shape[3], w, t).T
    X = F.pad(X, (q, q, p, p), value=-float('inf'))
    return torch.stack([torch.stack([X[..., i:i + h, j:j + w].amax((-1, -2))
                                     for j in range(0, X.shape[3] - w + 1, t)], -1)
                        for i in range(0, X.shape[2] - h + 1, s)], -2)
