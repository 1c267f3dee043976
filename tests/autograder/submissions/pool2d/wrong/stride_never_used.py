# breaks: pool2d_full
# hint: stride that was given is not used
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q) = pool_size, padding
    if 2 * p > h or 2 * q > w:
        raise ValueError('too much padding')
    X = F.pad(X, (q, q, p, p), value=float('-inf') if mode == 'max' else 0.0)
    if stride == (1, 1):
        windows = X.unfold(2, h, 1).unfold(3, w, 1)
    else:
        windows = X.unfold(2, h, h).unfold(3, w, w)
    return windows.amax((4, 5)) if mode == 'max' else windows.mean((4, 5))
