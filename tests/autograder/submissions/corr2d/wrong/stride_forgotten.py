# breaks: corr2d_padded_strided
# hint: stride is not applied
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    P = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))
    Y = torch.zeros(P.shape[0] - h + 1, P.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (P[i:i + h, j:j + w] * K).sum()
    return Y
