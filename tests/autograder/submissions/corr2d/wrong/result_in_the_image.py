# breaks: corr2d
# hint: changed in place
def corr2d(X, K):
    h, w = K.shape
    H, W = X.shape[0] - h + 1, X.shape[1] - w + 1
    for i in range(H):
        for j in range(W):
            X[i, j] = (X[i:i + h, j:j + w] * K).sum()  # later windows do not see it
    return X[:H, :W]
