# way: torch.autograd.grad instead of backward, gradients never stored
# %% lenet
def lenet(num_classes=10):
    block = lambda i, o, p: [nn.Conv2d(i, o, 5, padding=p), nn.Sigmoid(), nn.AvgPool2d(2)]
    dense = lambda i, o: [nn.Linear(i, o), nn.Sigmoid()]
    return nn.Sequential(*block(1, 6, 2), *block(6, 16, 0), nn.Flatten(1),
                         *dense(400, 120), *dense(120, 84), nn.Linear(84, num_classes))
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    device = device or next(net.parameters()).device
    mode = net.training
    net.eval()
    n = right = 0
    with torch.no_grad():
        for X, y in data_iter:
            y = y.to(device)
            probabilities = torch.softmax(net(X.to(device)), dim=1)
            right += probabilities.argmax(dim=1).eq(y).sum().item()
            n += y.size(0)
    net.train(mode)
    return right / n
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    params = list(net.parameters())
    for _ in range(num_epochs):
        net.train()
        rows = []
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            scores = net(X)
            log_p = scores - scores.logsumexp(1, keepdim=True)
            value = -log_p[torch.arange(len(y)), y].mean()
            grads = torch.autograd.grad(value, params)
            with torch.no_grad():
                for p, g in zip(params, grads):
                    p.sub_(g, alpha=lr)
            rows.append((value.item() * len(y), (scores.argmax(1) == y).sum().item(), len(y)))
    losses, hits, sizes = (sum(column) for column in zip(*rows))
    test = evaluate_accuracy_gpu(net, test_iter, device)
    net.eval()
    return losses / sizes, hits / sizes, test
