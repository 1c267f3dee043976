# breaks: corr2d_padded_strided
# hint: on one side only
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    P = torch.zeros(X.shape[0] + padding[0], X.shape[1] + padding[1])
    P[padding[0]:, padding[1]:] = X
    rows, columns = (P.shape[0] - h) // stride[0] + 1, (P.shape[1] - w) // stride[1] + 1
    Y = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            y, x = i * stride[0], j * stride[1]
            Y[i, j] = (P[y:y + h, x:x + w] * K).sum()
    return Y
