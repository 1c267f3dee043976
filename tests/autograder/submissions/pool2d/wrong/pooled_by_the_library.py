# breaks: pool2d
# hint: Move the window yourself
def pool2d(X, pool_size, mode='max'):
    if mode not in ('max', 'avg'):
        raise ValueError(mode)
    pool = F.max_pool2d if mode == 'max' else F.avg_pool2d
    return pool(X[None, None], pool_size, stride=1)[0, 0]
