# breaks: corr2d_padded_strided
# hint: stride are swapped
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    s_w, s_h = stride
    P = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))
    Y = torch.zeros((P.shape[0] - h) // s_h + 1, (P.shape[1] - w) // s_w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (P[i * s_h:i * s_h + h, j * s_w:j * s_w + w] * K).sum()
    return Y
