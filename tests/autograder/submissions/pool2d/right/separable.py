# way: first down, then across, because both operations allow it
# %% pool2d
def along(X, dim, k, mode):
    n = X.shape[dim] - k + 1
    parts = torch.stack([X.narrow(dim, start, n) for start in range(k)])
    return parts.amax(0) if mode == 'max' else parts.mean(0)

def pool2d(X, pool_size, mode='max'):
    if mode not in {'max', 'avg'}:
        raise ValueError(mode)
    return along(along(X, 0, pool_size[0], mode), 1, pool_size[1], mode)
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    if max(2 * padding[0] - pool_size[0], 2 * padding[1] - pool_size[1]) > 0:
        raise ValueError(padding)
    fill = float('-inf') if mode == 'max' else 0.0
    X = torch.nn.functional.pad(X, (padding[1],) * 2 + (padding[0],) * 2, value=fill)
    Y = along(along(X, 2, pool_size[0], mode), 3, pool_size[1], mode)
    down, across = stride or pool_size
    return Y[:, :, ::down, ::across]
