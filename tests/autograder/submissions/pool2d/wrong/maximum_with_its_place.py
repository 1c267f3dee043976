# breaks: pool2d
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    windows = X.unfold(0, h, 1).unfold(1, w, 1).flatten(2)
    return windows.max(2) if mode == 'max' else windows.mean(2)
