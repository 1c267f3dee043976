# breaks: pool2d
# hint: changed in place
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    if mode == 'max':
        return X.unfold(0, h, 1).unfold(1, w, 1).amax((2, 3))
    X.data /= h * w
    return X.unfold(0, h, 1).unfold(1, w, 1).sum((2, 3))
