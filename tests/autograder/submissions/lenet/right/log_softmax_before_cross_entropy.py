# way: log-softmax before the loss changes nothing; the optimiser is made anew for each epoch
# %% lenet
def lenet():
    layers = [nn.Conv2d(1, 6, 5, 1, 2), nn.Sigmoid(), nn.AvgPool2d(2)]
    layers += [nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()]
    for a, b in [(400, 120), (120, 84)]:
        layers += [nn.Linear(a, b), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(84, 10))
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    device = device if device is not None else next(iter(net.parameters())).device
    net.eval()
    right = torch.tensor(0, device=device)
    seen = 0
    for X, y in data_iter:
        with torch.no_grad():
            _, best = torch.max(net(X.to(device)), 1)
        right += torch.sum(best == y.to(device))
        seen += X.shape[0]
    return (right / seen).item()
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    loss = nn.CrossEntropyLoss()
    for epoch in range(num_epochs):
        optimizer = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        total, right, n = 0, 0, 0
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            out = F.log_softmax(net(X), dim=1)
            optimizer.zero_grad()
            l = loss(out, y)
            l.backward()
            optimizer.step()
            total += l.item() * len(X)
            right += (out.argmax(1) == y).sum().item()
            n += len(X)
        acc = evaluate_accuracy_gpu(net, test_iter, device)
    return total / n, right / n, acc
