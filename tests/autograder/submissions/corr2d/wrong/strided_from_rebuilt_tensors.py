# breaks: corr2d_padded_strided
# hint: chain from the result back
def corr2d_padded_strided(X, K, padding, stride):
    h, w = K.shape
    p, q = padding
    P = F.pad(X, (q, q, p, p))
    rows, columns = (P.shape[0] - h) // stride[0] + 1, (P.shape[1] - w) // stride[1] + 1
    return torch.tensor([
        [float((P[i * stride[0]:i * stride[0] + h, j * stride[1]:j * stride[1] + w] * K).sum())
         for j in range(columns)] for i in range(rows)])
