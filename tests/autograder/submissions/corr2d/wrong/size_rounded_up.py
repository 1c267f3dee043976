# breaks: corr2d_padded_strided
# hint: rounded up
import math

def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    p, q = padding
    P = F.pad(X, (q, q + stride[1], p, p + stride[0]))
    rows = math.ceil((X.shape[0] + 2 * p - h) / stride[0]) + 1
    columns = math.ceil((X.shape[1] + 2 * q - w) / stride[1]) + 1
    Y = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            y, x = i * stride[0], j * stride[1]
            Y[i, j] = (P[y:y + h, x:x + w] * K).sum()
    return Y
