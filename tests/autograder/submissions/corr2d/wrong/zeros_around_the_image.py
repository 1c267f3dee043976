# breaks: corr2d
# hint: no padding
def corr2d(X, K):
    (H, W), (h, w) = X.shape, K.shape
    P = torch.zeros(H + h - 1, W + w - 1)
    P[(h - 1) // 2:(h - 1) // 2 + H, (w - 1) // 2:(w - 1) // 2 + W] = X
    Y = torch.zeros(H, W)
    for i in range(H):
        for j in range(W):
            Y[i, j] = (P[i:i + h, j:j + w] * K).sum()
    return Y
