# way: means by an integral image, maxima by growing windows
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    h, w = pool_size
    if mode == 'avg':
        S = F.pad(X.double().cumsum(0).cumsum(1), (1, 0, 1, 0))
        total = S[h:, w:] - S[:-h, w:] - S[h:, :-w] + S[:-h, :-w]
        return (total / (h * w)).float()
    if mode == 'max':
        Y = X
        for axis, k in enumerate(pool_size):
            for _ in range(k - 1):
                n = Y.shape[axis] - 1
                Y = torch.maximum(Y.narrow(axis, 0, n), Y.narrow(axis, 1, n))
        return Y + 0
    raise ValueError(mode)
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    if [p for p, k in zip(padding, pool_size) if p > k - p]:
        raise ValueError('padding')
    lowest = float('-inf') if mode == 'max' else 0.0
    X = F.pad(X, (padding[1], padding[1], padding[0], padding[0]), value=lowest)
    step = stride or pool_size
    one = lambda x: pool2d(x, pool_size, mode)[::step[0], ::step[1]]
    return torch.stack([torch.stack([one(c) for c in x]) for x in X])
