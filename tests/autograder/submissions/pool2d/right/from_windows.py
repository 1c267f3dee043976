# way: Windows line ends, tabs, everything in one expression
# %% pool2d
def pool2d(X, pool_size, mode = "max"):
	assert len(pool_size) == 2
	if mode not in ["max", "avg"]:
		raise ValueError("Größe?")
	f = getattr(torch.Tensor, {"max": "max", "avg": "mean"}[mode])
	return torch.stack([torch.stack([f(X[i:i+pool_size[0], j:j+pool_size[1]]) for j in range(X.shape[1]-pool_size[1]+1)]) for i in range(X.shape[0]-pool_size[0]+1)])
# %% pool2d_full
def pool2d_full(X, pool_size, stride = None, padding = (0, 0), mode = "max"):
	if padding[0] * 2 > pool_size[0] or padding[1] * 2 > pool_size[1]:
		raise ValueError("Padding!")
	if stride == None:
		stride = pool_size
	Xp = F.pad(X, [padding[1], padding[1], padding[0], padding[0]], value = float("-inf") if mode == "max" else 0)
	flat = Xp.reshape(-1, *Xp.shape[2:])
	Y = torch.stack([pool2d(x, pool_size, mode)[::stride[0], ::stride[1]] for x in flat])
	return Y.view(X.size(0), X.size(1), Y.size(1), Y.size(2))
