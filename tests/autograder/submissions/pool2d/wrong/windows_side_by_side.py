# breaks: pool2d
# hint: windows overlap
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    Y = torch.zeros(X.shape[0] // h, X.shape[1] // w)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            window = X[i * h:(i + 1) * h, j * w:(j + 1) * w]
            Y[i, j] = window.max() if mode == 'max' else window.mean()
    return Y
