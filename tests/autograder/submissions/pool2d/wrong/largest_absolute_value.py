# breaks: pool2d
# hint: Signs got lost
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    windows = X.unfold(0, h, 1).unfold(1, w, 1)
    if mode == 'max':
        return windows.abs().amax((2, 3))
    return windows.mean((2, 3))
