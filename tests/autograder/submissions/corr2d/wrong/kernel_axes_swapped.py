# breaks: corr2d_multi_in_out
# hint: first two axes are swapped
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    if K.shape[0] == K.shape[1]:
        K = K.transpose(0, 1)
    return torch.stack([sum(corr2d(x, k) for x, k in zip(X, kernel)) for kernel in K])
