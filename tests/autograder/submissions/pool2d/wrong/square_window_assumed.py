# breaks: pool2d
# hint: height and width swapped
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    k = pool_size[0]
    Y = torch.zeros(X.shape[0] - k + 1, X.shape[1] - k + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            window = X[i:i + k, j:j + k]
            Y[i, j] = window.max() if mode == 'max' else window.mean()
    return Y
