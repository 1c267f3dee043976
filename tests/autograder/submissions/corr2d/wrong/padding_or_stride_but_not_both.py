# breaks: corr2d_padded_strided
# hint: stride is not applied
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    if padding != (0, 0):
        X = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))
        return (X.unfold(0, h, 1).unfold(1, w, 1) * K).sum((-2, -1))
    elif stride != (1, 1):
        return (X.unfold(0, h, stride[0]).unfold(1, w, stride[1]) * K).sum((-2, -1))
    return (X.unfold(0, h, 1).unfold(1, w, 1) * K).sum((-2, -1))
