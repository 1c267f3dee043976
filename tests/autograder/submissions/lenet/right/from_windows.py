# way: Windows line ends, tabs, train and eval set on every layer
# %% lenet
def lenet():
	return nn.Sequential(
		nn.Conv2d(1, 6, kernel_size = 5, padding = 2), nn.Sigmoid(), nn.AvgPool2d(2),
		nn.Conv2d(6, 16, kernel_size = 5), nn.Sigmoid(), nn.AvgPool2d(2),
		nn.Flatten(), nn.Linear(400, 120), nn.Sigmoid(),
		nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device = None):
	"""Genauigkeit über alle Beispiele"""
	net.eval()
	if device == None:
		device = next(net.parameters()).device
	richtig, alle = 0, 0
	with torch.no_grad():
		for X, y in data_iter:
			X = X.to(device); y = y.to(device)
			vorhersage = torch.argmax(net(X), dim = 1)
			for a, b in zip(vorhersage, y):
				if a == b: richtig = richtig + 1
				alle = alle + 1
	return richtig / alle
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
	net.to(device)
	verlust = nn.CrossEntropyLoss()
	opt = torch.optim.SGD([{"params": [p]} for p in net.parameters()], lr = lr)
	for epoche in range(num_epochs):
		net.train()
		summe, richtig, alle = 0, 0, 0
		for X, y in train_iter:
			X = X.to(device); y = y.to(device)
			for p in net.parameters():
				if p.grad is not None: p.grad.zero_()
			aus = net(X)
			v = verlust(aus, y)
			v.backward()
			opt.step()
			summe += v.item() * len(y); richtig += (aus.argmax(1) == y).sum().item(); alle += len(y)
	net.eval()
	return summe / alle, richtig / alle, evaluate_accuracy_gpu(net, test_iter, device)
