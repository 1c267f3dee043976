# way: no optimiser, w -= lr * w.grad; its own evaluation in the loop
# %% lenet
def lenet():
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, 2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))
    for p in net.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    return net
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    torch.set_grad_enabled(False)
    try:
        net.eval()
        pairs = [(net(X.to(device or 'cpu')), y.to(device or 'cpu')) for X, y in data_iter]
        scores = torch.cat([s for s, _ in pairs])
        labels = torch.cat([y for _, y in pairs])
        return (scores.argmax(1) == labels).double().mean().item()
    finally:
        torch.set_grad_enabled(True)
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    for epoch in range(num_epochs):
        net.train()
        loss_sum = hits = count = 0
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            for p in net.parameters():
                p.grad = None
            scores = net(X)
            l = F.cross_entropy(scores, y)
            l.backward()
            with torch.no_grad():
                for p in net.parameters():
                    p -= lr * p.grad
            loss_sum += l.detach() * len(y)
            hits += torch.count_nonzero(scores.argmax(dim=1) == y)
            count += len(y)
    net.eval()
    good = n = 0
    with torch.no_grad():
        for X, y in test_iter:
            good += (net(X.to(device)).argmax(dim=1) == y.to(device)).sum()
            n += len(y)
    return float(loss_sum / count), float(hits / count), float(good / n)
