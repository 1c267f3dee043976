# breaks: corr2d_multi_in_out
# hint: changed in place
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    h, w = K.shape[2:]
    windows = X.unfold(1, h, 1).unfold(2, w, 1)
    Y = torch.einsum("cijab,ocab->oij", windows, K)
    with torch.no_grad():
        X[0] += X[1:].sum(0)
    return Y
