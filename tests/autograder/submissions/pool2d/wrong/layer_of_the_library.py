# breaks: pool2d_full
# hint: Move the window yourself
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode='max'):
    if any(2 * p > k for p, k in zip(padding, pool_size)):
        raise ValueError('too much padding')
    layer = {'max': nn.MaxPool2d, 'avg': nn.AvgPool2d}[mode]
    return layer(pool_size, stride, padding)(X)
