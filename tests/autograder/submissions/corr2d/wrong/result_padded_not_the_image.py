# breaks: corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    p, q = padding
    rows, columns = X.shape[0] - h + 1, X.shape[1] - w + 1
    Y = torch.zeros(rows + 2 * p, columns + 2 * q)
    for i in range(rows):
        for j in range(columns):
            Y[i + p, j + q] = (X[i:i + h, j:j + w] * K).sum()
    return Y[::stride[0], ::stride[1]]
