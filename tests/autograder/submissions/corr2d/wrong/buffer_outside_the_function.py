# breaks: corr2d
# hint: earlier call is remembered
Y_all = torch.zeros(50, 50)

def corr2d(X, K):
    h, w = K.shape
    Y = Y_all[:X.shape[0] - h + 1, :X.shape[1] - w + 1]
    for a in range(h):
        for b in range(w):
            Y += X[a:a + Y.shape[0], b:b + Y.shape[1]] * K[a, b]
    return Y.clone()
