# breaks: corr2d
# hint: Write the multiplications and sums yourself
def corr2d(X, K):
    layer = nn.Conv2d(1, 1, tuple(K.shape), bias=False)
    layer.weight = nn.Parameter(K[None, None])
    return layer(X[None, None])[0, 0]
