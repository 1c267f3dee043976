# breaks: pool2d
# hint: new tensor
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    if h == w == 1:
        return X  # nothing to do
    windows = X.unfold(0, h, 1).unfold(1, w, 1)
    return windows.amax((2, 3)) if mode == 'max' else windows.mean((2, 3))
