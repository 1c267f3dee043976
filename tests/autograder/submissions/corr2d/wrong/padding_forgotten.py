# breaks: corr2d_padded_strided
# hint: padding is not applied
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    rows = (X.shape[0] - h) // stride[0] + 1
    columns = (X.shape[1] - w) // stride[1] + 1
    Y = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            Y[i, j] = (X[top:top + h, left:left + w] * K).sum()
    return Y
