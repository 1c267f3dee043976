# breaks: corr2d
# hint: changed in place
def corr2d(X, K):
    scale = 1.0
    if X.is_floating_point():
        scale = float(X.abs().max()) or 1.0
        X.data.div_(scale)
    h, w = K.shape
    Y = X.new_zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    Y = Y * scale if X.is_floating_point() else Y
    return Y
