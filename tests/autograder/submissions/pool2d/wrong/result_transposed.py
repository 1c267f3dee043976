# breaks: pool2d
# hint: transposed
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    h, w = pool_size
    columns = []
    for j in range(X.shape[1] - w + 1):
        column = [X[i:i + h, j:j + w] for i in range(X.shape[0] - h + 1)]
        column = [c.max() if mode == 'max' else c.mean() for c in column]
        columns.append(torch.stack(column))
    return torch.stack(columns)
