# breaks: pool2d
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    Y = torch.zeros(X.shape[0] - pool_size + 1, X.shape[1] - pool_size + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            window = X[i:i + pool_size, j:j + pool_size]
            Y[i, j] = window.max() if mode == 'max' else window.mean()
    return Y
