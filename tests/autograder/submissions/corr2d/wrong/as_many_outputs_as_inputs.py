# breaks: corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    return torch.stack([sum(corr2d(X[c], K[o, c]) for c in range(len(X)))
                        for o in range(min(len(X), len(K)))])
