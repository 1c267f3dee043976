# breaks: corr2d
def corr2d(X, K):
    h, w = K.shape
    return [[(X[i:i + h, j:j + w] * K).sum() for j in range(X.shape[1] - w + 1)]
            for i in range(X.shape[0] - h + 1)]
