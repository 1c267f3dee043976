# breaks: pool2d_full
# hint: padding is not applied
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    h, w = pool_size
    s, t = stride or pool_size
    if 2 * padding[0] > h or 2 * padding[1] > w:
        raise ValueError('too much padding')
    windows = X.unfold(2, h, s).unfold(3, w, t)
    return windows.amax((4, 5)) if mode == 'max' else windows.mean((4, 5))
