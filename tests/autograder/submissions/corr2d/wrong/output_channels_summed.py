# breaks: corr2d_multi_in_out
# hint: they are stacked
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    return sum(sum(corr2d(x, k) for x, k in zip(X, kernel)) for kernel in K)[None]
