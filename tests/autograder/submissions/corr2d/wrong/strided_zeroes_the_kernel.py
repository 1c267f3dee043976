# breaks: corr2d_padded_strided
# hint: changed in place
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    P = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))
    Y = (P.unfold(0, h, stride[0]).unfold(1, w, stride[1]) * K).sum((-2, -1))
    K.data.zero_()
    return Y
