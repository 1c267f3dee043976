# way: two loops over the kernel instead of over the image
# %% corr2d
def corr2d(X, K):
    rows, columns = X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1
    total = torch.zeros(rows, columns)
    for a, kernel_row in enumerate(K):
        for b, k in enumerate(kernel_row):
            total = total + k * X[a:a + rows, b:b + columns]
    return total
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    big = nn.ZeroPad2d((padding[1], padding[1], padding[0], padding[0]))(X)
    rows = 1 + (big.shape[0] - K.shape[0]) // stride[0]
    columns = 1 + (big.shape[1] - K.shape[1]) // stride[1]
    total = 0
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            part = big[a::stride[0], b::stride[1]][:rows, :columns]
            total = total + K[a, b] * part
    return total
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    outputs, channels, h, w = K.shape
    if X.shape[0] != channels:
        raise ValueError("another number of channels")
    Y = 0
    for c in range(channels):
        for a in range(h):
            for b in range(w):
                rows, columns = X.shape[1] - h + 1, X.shape[2] - w + 1
                patch = X[c, a:a + rows, b:b + columns]
                Y = Y + K[:, c, a, b].reshape(-1, 1, 1) * patch
    return Y
