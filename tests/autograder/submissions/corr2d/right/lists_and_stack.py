# way: lists of scalars that are stacked at the end
# %% corr2d
def corr2d(X, K):
    h, w = K.shape
    rows = []
    for i in range(len(X) - h + 1):
        row = [torch.sum(X[i:i + h, j:j + w] * K) for j in range(len(X[0]) - w + 1)]
        rows.append(torch.stack(row))
    return torch.stack(rows)
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    side = torch.zeros(len(X), padding[1])
    wide = torch.cat([side, X, side], dim=1)
    flat = torch.zeros(padding[0], wide.shape[1])
    P = torch.cat([flat, wide, flat], dim=0)
    h, w = K.shape
    return torch.stack([
        torch.stack([(P[i:i + h, j:j + w] * K).sum()
                     for j in range(0, P.shape[1] - w + 1, stride[1])])
        for i in range(0, P.shape[0] - h + 1, stride[0])])
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if len(X) != len(K[0]):
        raise ValueError("X and K have different numbers of input channels")
    return torch.stack([
        torch.stack([corr2d(x, k) for x, k in zip(X, kernel, strict=True)]).sum(0)
        for kernel in K])
