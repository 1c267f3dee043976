# breaks: corr2d_padded_strided
# hint: total of both sides
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    p, q = padding
    top, left = (p + 1) // 2, (q + 1) // 2
    P = F.pad(X, (left, q - left, top, p - top))
    rows, columns = (P.shape[0] - h) // stride[0] + 1, (P.shape[1] - w) // stride[1] + 1
    Y = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            y, x = i * stride[0], j * stride[1]
            Y[i, j] = (P[y:y + h, x:x + w] * K).sum()
    return Y
