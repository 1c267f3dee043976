# breaks: pool2d
# hint: moves by
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    windows = X.unfold(0, h, 2).unfold(1, w, 2)
    return windows.amax((2, 3)) if mode == 'max' else windows.mean((2, 3))
