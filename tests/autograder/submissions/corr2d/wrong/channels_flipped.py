# breaks: corr2d_multi_in_out
# hint: turned by 180 degrees
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    h, w = K.shape[2:]
    windows = X.unfold(1, h, 1).unfold(2, w, 1)
    return torch.einsum("cijab,ocab->oij", windows, K.flip(-1, -2))
