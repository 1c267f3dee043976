# way: torch.vmap over output channels, gather of flat indices
# %% corr2d
def corr2d(X, K):
    (H, W), (h, w) = X.shape, K.shape
    start = torch.arange(H - h + 1)[:, None] * W + torch.arange(W - w + 1)
    offset = torch.arange(h)[:, None] * W + torch.arange(w)
    index = start[:, :, None, None] + offset
    return (X.reshape(-1)[index] * K).flatten(2).sum(-1)
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    P = F.pad(X, (padding[1], padding[1], padding[0], padding[0]), value=0.0)
    i = torch.arange(0, P.shape[0] - K.shape[0] + 1, stride[0])
    j = torch.arange(0, P.shape[1] - K.shape[1] + 1, stride[1])
    a, b = torch.arange(K.shape[0]), torch.arange(K.shape[1])
    windows = P[(i[:, None, None, None] + a[:, None]), (j[:, None, None] + b)]
    return (windows * K).sum(dim=[2, 3])
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels of X and K")
    one = lambda kernel: torch.stack([corr2d(x, k) for x, k in zip(X, kernel)]).sum(0)
    return torch.vmap(one)(K)
