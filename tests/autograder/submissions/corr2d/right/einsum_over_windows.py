# way: Tensor.unfold and einsum
# %% corr2d
def corr2d(X, K):
    return torch.einsum("ijab,ab->ij", X.unfold(0, K.size(0), 1).unfold(1, K.size(1), 1), K)
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    (p, q), (s, t) = padding, stride
    P = F.pad(X, (q, q, p, p))
    return torch.einsum("ijab,ab->ij", P.unfold(0, K.size(0), s).unfold(1, K.size(1), t), K)
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    if X.size(0) != K.size(1):
        raise ValueError
    W = X.unfold(1, K.size(2), 1).unfold(2, K.size(3), 1)
    return torch.einsum("cijab,ocab->oij", W, K)
