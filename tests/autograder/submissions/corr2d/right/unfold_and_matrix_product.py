# way: im2col with F.unfold, then @
# %% corr2d
def corr2d(X, K):
    columns = F.unfold(X[None, None], tuple(K.shape))[0]  # (h·w, places)
    shape = X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1
    return (K.reshape(-1) @ columns).reshape(shape)
# %% corr2d_padded_strided
def corr2d_padded_strided(X, K, padding, stride):
    columns = F.unfold(X[None, None], tuple(K.shape), padding=padding, stride=stride)[0]
    rows = (X.shape[0] + 2 * padding[0] - K.shape[0]) // stride[0] + 1
    return (K.reshape(1, -1) @ columns).reshape(rows, -1)
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
    c_o, c_i, h, w = K.shape
    if len(X) != c_i:
        raise ValueError(f"{len(X)} and {c_i} channels")
    columns = F.unfold(X[None], (h, w))[0]
    return (K.reshape(c_o, -1) @ columns).reshape(c_o, X.shape[1] - h + 1, -1)
