# breaks: corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    assert X.shape[0] == K.shape[1], "channels differ"
    return torch.stack([sum(corr2d(x, k) for x, k in zip(X, kernel)) for kernel in K])
