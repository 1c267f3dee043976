# breaks: pool2d_full
# hint: leave the padding out
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q) = pool_size, padding
    s, t = stride or pool_size
    if 2 * p > h or 2 * q > w:
        raise ValueError('too much padding')
    if mode == 'max':
        X = F.pad(X, (q, q, p, p), value=float('-inf'))
        return X.unfold(2, h, s).unfold(3, w, t).amax((4, 5))
    real = F.pad(torch.ones_like(X), (q, q, p, p)).unfold(2, h, s).unfold(3, w, t)
    X = F.pad(X, (q, q, p, p)).unfold(2, h, s).unfold(3, w, t)
    return X.sum((4, 5)) / real.sum((4, 5))
