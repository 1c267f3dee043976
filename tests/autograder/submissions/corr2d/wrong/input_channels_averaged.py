# breaks: corr2d_multi_in_out
# hint: averaged
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    return torch.stack([sum(corr2d(x, k) for x, k in zip(X, kernel)) / len(X)
                        for kernel in K])
