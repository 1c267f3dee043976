# breaks: corr2d_padded_strided
# hint: outside of the division
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    p, q = padding
    P = F.pad(X, (q, q, p, p))
    rows = (X.shape[0] + 2 * p - h + 1) // stride[0]
    columns = (X.shape[1] + 2 * q - w + 1) // stride[1]
    Y = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            y, x = i * stride[0], j * stride[1]
            Y[i, j] = (P[y:y + h, x:x + w] * K).sum()
    return Y
