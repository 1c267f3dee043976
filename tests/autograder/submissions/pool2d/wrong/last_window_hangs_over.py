# breaks: pool2d_full
# hint: rounded up
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q) = pool_size, padding
    s, t = stride or pool_size
    if 2 * p > h or 2 * q > w:
        raise ValueError('too much padding')
    H, W = X.shape[2:]
    down, across = -(H + 2 * p - h) % s, -(W + 2 * q - w) % t
    X = F.pad(X, (q, q + across, p, p + down), value=float('-inf') if mode == 'max' else 0.0)
    windows = X.unfold(2, h, s).unfold(3, w, t)
    return windows.amax((4, 5)) if mode == 'max' else windows.mean((4, 5))
