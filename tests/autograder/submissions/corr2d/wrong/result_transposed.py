# breaks: corr2d
# hint: result is transposed
def corr2d(X, K):
    h, w = K.shape
    rows, columns = X.shape[0] - h + 1, X.shape[1] - w + 1
    Y = torch.zeros(columns, rows)
    for i in range(rows):
        for j in range(columns):
            Y[j, i] = (X[i:i + h, j:j + w] * K).sum()
    return Y
