# breaks: corr2d_multi_in_out
# hint: Only one of the input channels
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    return torch.stack([corr2d(X[0], k[0]) for k in K])
