# breaks: pool2d
# hint: as large as the image
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    P = F.pad(X, (0, w - 1, 0, h - 1))
    Y = torch.zeros_like(X)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            window = P[i:i + h, j:j + w]
            Y[i, j] = window.max() if mode == 'max' else window.mean()
    return Y
