# breaks: corr2d
# hint: moves by 2
def corr2d(X, K):
    h, w = K.shape
    rows = [[(X[i:i + h, j:j + w] * K).sum() for j in range(0, X.shape[1] - w + 1, 2)]
            for i in range(0, X.shape[0] - h + 1, 2)]
    return torch.stack([torch.stack(row) for row in rows])
