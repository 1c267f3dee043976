# breaks: pool2d
# hint: Windows of negative numbers
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            for a in range(h):
                for b in range(w):
                    if mode == 'avg':
                        Y[i, j] += X[i + a, j + b] / (h * w)
                    elif X[i + a, j + b] > Y[i, j]:
                        Y[i, j] = X[i + a, j + b]
    return Y
