# breaks: corr2d_multi_in_out
# hint: zip stops at the shorter
def corr2d_multi_in_out(X, K):
    return torch.stack([sum(corr2d(x, k) for x, k in zip(X, kernel)) for kernel in K])
