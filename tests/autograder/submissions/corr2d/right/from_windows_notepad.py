# way: Windows line ends, tabs, a lambda
# %% corr2d
def corr2d(X, K):
	h, w = K.shape[0], K.shape[1]
	out = X.new_empty(X.shape[0] - h + 1, X.shape[1] - w + 1)
	r = 0
	while r < out.shape[0]:
		c = 0
		while c < out.shape[1]:
			out[r][c] = torch.mul(X[r:r + h, c:c + w], K).sum()
			c = c + 1
		r = r + 1
	return out
# %% corr2d_padded_strided
corr2d_padded_strided = lambda X, K, padding, stride: corr2d(
	F.pad(X, (padding[1], padding[1], padding[0], padding[0])), K
)[0::stride[0], 0::stride[1]]
# %% corr2d_multi_in_out
def corr2d_multi_in_out(X, K):
	if not X.shape[0] == K.shape[1]:
		raise ValueError('Kanäle!')
	return torch.cat([sum([corr2d(X[c], k[c]) for c in range(X.shape[0])]).unsqueeze(0) for k in K])
