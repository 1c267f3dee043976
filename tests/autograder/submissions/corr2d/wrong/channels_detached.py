# breaks: corr2d_multi_in_out
# hint: chain from the result back
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    return torch.stack([sum(corr2d(x, k.data) for x, k in zip(X, kernel)) for kernel in K])
