# breaks: corr2d
# hint: turned by 180 degrees
def corr2d(X, K):
    """A true convolution: the kernel is flipped both ways."""
    K = K.flip(0, 1)
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y
