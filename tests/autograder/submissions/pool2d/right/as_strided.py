# way: one view with as_strided
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    X = X.contiguous()
    size = (X.shape[0] - pool_size[0] + 1, X.shape[1] - pool_size[1] + 1) + tuple(pool_size)
    windows = torch.as_strided(X, size, X.stride() + X.stride()).reshape(*size[:2], -1)
    return windows.topk(1, dim=2).values.squeeze(2) if mode == 'max' else windows.mean(2)
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    stride = pool_size if stride is None else stride
    if 2 * padding[0] > pool_size[0] or 2 * padding[1] > pool_size[1]:
        raise ValueError('padding')
    X = F.pad(X, (padding[1], padding[1], padding[0], padding[0]),
              value=float('-inf') if mode == 'max' else 0.).contiguous()
    n, c, y, x = X.stride()
    size = (*X.shape[:2], (X.shape[2] - pool_size[0]) // stride[0] + 1,
            (X.shape[3] - pool_size[1]) // stride[1] + 1, *pool_size)
    windows = X.as_strided(size, (n, c, y * stride[0], x * stride[1], y, x))
    return windows.amax((4, 5)) if mode == 'max' else windows.mean((4, 5))
