# way: everything in float64
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    reduce = {'max': torch.max, 'avg': torch.mean}.get(mode)
    if reduce is None:
        raise ValueError(mode)
    X = X.to(torch.float64)
    Y = torch.zeros(X.shape[0] - pool_size[0] + 1, X.shape[1] - pool_size[1] + 1).double()
    for i in range(len(Y)):
        for j in range(len(Y[0])):
            Y[i][j] = reduce(X[i:i + pool_size[0], j:j + pool_size[1]])
    return Y
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    stride = stride or pool_size
    if padding[0] > pool_size[0] // 2 or padding[1] > pool_size[1] // 2:
        raise ValueError(padding)
    sides = (padding[1], padding[1], padding[0], padding[0])
    big = F.pad(X.double(), sides, value=float('-inf') if mode == 'max' else 0)
    maps = [[pool2d(c, pool_size, mode)[::stride[0], ::stride[1]] for c in x] for x in big]
    return torch.stack([torch.stack(row) for row in maps])
