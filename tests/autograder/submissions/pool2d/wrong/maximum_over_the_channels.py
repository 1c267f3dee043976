# breaks: pool2d_full
# hint: channels are mixed
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q) = pool_size, padding
    s, t = stride or pool_size
    if 2 * p > h or 2 * q > w:
        raise ValueError('too much padding')
    X = F.pad(X, (q, q, p, p), value=float('-inf') if mode == 'max' else 0.0)
    windows = X.unfold(2, h, s).unfold(3, w, t)
    if mode == 'max':
        return windows.amax((1, 4, 5)).unsqueeze(1).expand(-1, X.shape[1], -1, -1)
    return windows.mean((4, 5))
