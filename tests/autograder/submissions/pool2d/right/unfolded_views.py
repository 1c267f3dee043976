# way: Tensor.unfold, amax and mean
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    windows = X.unfold(0, pool_size[0], 1).unfold(1, pool_size[1], 1)
    if mode == 'max':
        return windows.amax(dim=(-1, -2))
    if mode == 'avg':
        return windows.mean(dim=(-1, -2))
    raise ValueError('what is ' + repr(mode))
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    for k, p in zip(pool_size, padding):
        if 2 * p > k:
            raise ValueError(f'{p} > {k} / 2')
    stride = pool_size if stride is None else stride
    fill = {'max': float('-inf'), 'avg': 0.0}[mode]
    X = F.pad(X, (padding[1], padding[1], padding[0], padding[0]), value=fill)
    windows = X.unfold(2, pool_size[0], stride[0]).unfold(3, pool_size[1], stride[1])
    return windows.flatten(-2).max(-1).values if mode == 'max' else windows.flatten(-2).mean(-1)
