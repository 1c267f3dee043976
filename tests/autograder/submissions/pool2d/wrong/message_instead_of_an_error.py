# breaks: pool2d
# hint: Without a check
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        print("unknown mode", mode)
        return None
    h, w = pool_size
    windows = X.unfold(0, h, 1).unfold(1, w, 1)
    return windows.amax((2, 3)) if mode == 'max' else windows.mean((2, 3))
