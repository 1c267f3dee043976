# way: shifted copies of the image, combined one by one
# %% pool2d
def pool2d(X, pool_size, mode='max'):
    h, w = pool_size
    rows, columns = X.shape[0] - h + 1, X.shape[1] - w + 1
    shifted = [X[a:a + rows, b:b + columns] for a in range(h) for b in range(w)]
    if mode == 'max':
        Y = shifted[0].clone()
        for S in shifted[1:]:
            Y = torch.maximum(Y, S)
        return Y
    elif mode == 'avg':
        return sum(shifted) / len(shifted)
    else:
        raise ValueError("mode")
# %% pool2d_full
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    h, w = pool_size
    s, t = stride if stride else pool_size
    p, q = padding
    if p > h // 2 or q > w // 2:
        raise ValueError("padding")
    X = F.pad(X, (q, q, p, p), "constant", -torch.inf if mode == "max" else 0.0)
    rows, columns = (X.shape[2] - h) // s + 1, (X.shape[3] - w) // t + 1
    Y = None
    for a in range(h):
        for b in range(w):
            S = X[:, :, a::s, b::t][:, :, :rows, :columns]
            if Y is None:
                Y = S.clone()
            else:
                Y = torch.maximum(Y, S) if mode == "max" else Y + S
    return Y if mode == "max" else Y / (h * w)
