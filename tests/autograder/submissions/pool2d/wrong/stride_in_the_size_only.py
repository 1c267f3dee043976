# breaks: pool2d_full
# hint: the windows move by 1
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    (h, w), (p, q) = pool_size, padding
    s, t = stride or pool_size
    if 2 * p > h or 2 * q > w:
        raise ValueError('too much padding')
    X = F.pad(X, (q, q, p, p), value=float('-inf') if mode == 'max' else 0.0)
    rows, columns = (X.shape[2] - h) // s + 1, (X.shape[3] - w) // t + 1
    Y = torch.zeros(*X.shape[:2], rows, columns)
    for i in range(rows):
        for j in range(columns):
            window = X[:, :, i:i + h, j:j + w]
            Y[:, :, i, j] = window.amax((2, 3)) if mode == 'max' else window.mean((2, 3))
    return Y
