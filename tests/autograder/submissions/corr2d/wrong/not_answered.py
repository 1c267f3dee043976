# breaks: corr2d
def corr2d(X, K):
    """Cross-correlate X (H, W) with K (h, w)."""
    # YOUR CODE HERE
    raise NotImplementedError()
