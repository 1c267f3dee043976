# way: F.unfold, whose zeros are avoided by padding before
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    if mode != 'max' and mode != 'avg':
        raise ValueError(mode)
    columns = F.unfold(X[None, None], pool_size)[0]
    kept = columns.max(0)[0] if mode == 'max' else columns.sum(0) / columns.shape[0]
    return kept.reshape(X.shape[0] - pool_size[0] + 1, -1)
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    if padding[0] * 2 > pool_size[0] or padding[1] * 2 > pool_size[1]:
        raise ValueError
    stride = stride or pool_size
    N, C = X.shape[:2]
    sides = [padding[1]] * 2 + [padding[0]] * 2
    X = F.pad(X, sides, value=torch.finfo(X.dtype).min if mode == 'max' else 0.)
    columns = F.unfold(X, pool_size, stride=stride).reshape(N, C, pool_size[0] * pool_size[1], -1)
    kept = columns.amax(2) if mode == 'max' else columns.mean(2)
    return kept.reshape(N, C, (X.shape[2] - pool_size[0]) // stride[0] + 1, -1)
