# breaks: corr2d_padded_strided
# hint: One of the two strides
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    s = stride[0]
    P = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))
    Y = torch.zeros((P.shape[0] - h) // s + 1, (P.shape[1] - w) // s + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (P[i * s:i * s + h, j * s:j * s + w] * K).sum()
    return Y
