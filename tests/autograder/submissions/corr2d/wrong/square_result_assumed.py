# breaks: corr2d
# hint: height and width swapped
def corr2d(X, K):
    h, w = K.shape
    n = X.shape[0] - h + 1
    Y = torch.zeros(n, n)
    for i in range(n):
        for j in range(n):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y
