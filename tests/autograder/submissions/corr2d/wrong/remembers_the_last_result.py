# breaks: corr2d
# hint: earlier call is remembered
seen = {}

def corr2d(X, K):
    size = (X.shape, K.shape)
    if size in seen:
        return seen[size]
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    seen[size] = Y
    return Y
