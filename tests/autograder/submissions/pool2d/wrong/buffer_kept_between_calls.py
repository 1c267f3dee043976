# breaks: pool2d
# hint: earlier call is remembered
results = {}

def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    shape = (X.shape[0] - h + 1, X.shape[1] - w + 1)
    Y = results.setdefault((shape, mode), torch.full(shape, -float('inf') if mode == 'max' else 0.0))
    for a in range(h):
        for b in range(w):
            part = X[a:a + shape[0], b:b + shape[1]]
            Y = torch.maximum(Y, part) if mode == 'max' else Y + part / (h * w)
    results[shape, mode] = Y.detach()
    return Y.clone()
