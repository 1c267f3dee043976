# breaks: pool2d
# hint: changed in place
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    rows, columns = X.shape[0] - h + 1, X.shape[1] - w + 1
    for i in range(rows):
        for j in range(columns):
            window = X[i:i + h, j:j + w]
            X[i, j] = window.max() if mode == 'max' else window.mean()
    return X[:rows, :columns]
