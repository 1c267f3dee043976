# breaks: corr2d
# hint: 0 · NaN
def corr2d(X, K):
    H, W = X.shape
    h, w = K.shape
    rows, columns = H - h + 1, W - w + 1
    M = torch.zeros(rows * columns, H * W)
    for i in range(rows):
        for j in range(columns):
            for a in range(h):
                start = (i + a) * W + j
                M[i * columns + j, start:start + w] = K[a]
    return (M @ X.reshape(-1)).reshape(rows, columns)
