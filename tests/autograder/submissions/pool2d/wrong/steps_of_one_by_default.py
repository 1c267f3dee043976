# breaks: pool2d_full
# hint: Without a stride, the window moves by 1
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q), (s, t) = pool_size, padding, stride or (1, 1)
    if 2 * p > h or 2 * q > w:
        raise ValueError('too much padding')
    X = F.pad(X, (q, q, p, p), value=float('-inf') if mode == 'max' else 0.0)
    windows = X.unfold(2, h, s).unfold(3, w, t)
    return windows.amax((4, 5)) if mode == 'max' else windows.mean((4, 5))
