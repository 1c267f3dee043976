# breaks: corr2d
# hint: Write the multiplications and sums yourself
def corr2d(X, K):
    return F.conv2d(X[None, None], K[None, None])[0, 0]
