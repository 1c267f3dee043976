# breaks: pool2d_full
# hint: examples are mixed
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q) = pool_size, padding
    s, t = stride or pool_size
    if 2 * p > h or 2 * q > w:
        raise ValueError('too much padding')
    X = F.pad(X[0], (q, q, p, p), value=float('-inf') if mode == 'max' else 0.0)
    windows = X.unfold(1, h, s).unfold(2, w, t)
    return (windows.amax((3, 4)) if mode == 'max' else windows.mean((3, 4))).unsqueeze(0)
