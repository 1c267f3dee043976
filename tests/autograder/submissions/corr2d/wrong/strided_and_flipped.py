# breaks: corr2d_padded_strided
# hint: turned by 180 degrees
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    P = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))
    windows = P.unfold(0, h, stride[0]).unfold(1, w, stride[1])
    return (windows * torch.flip(K, (0, 1))).sum((-2, -1))
