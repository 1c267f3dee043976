# breaks: pool2d
# hint: chain from the result back
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    f = torch.max if mode == 'max' else torch.mean
    return torch.tensor([[float(f(X[i:i + h, j:j + w])) for j in range(X.shape[1] - w + 1)]
                         for i in range(X.shape[0] - h + 1)])
