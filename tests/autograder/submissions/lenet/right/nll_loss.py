# way: NLLLoss of a log-softmax, net.zero_grad, sums as tensors
# %% lenet
def lenet():
    from collections import OrderedDict
    return nn.Sequential(OrderedDict(
        features=nn.Sequential(
            nn.Conv2d(1, 6, (5, 5), padding=(2, 2)), nn.Sigmoid(), nn.AvgPool2d((2, 2)),
            nn.Conv2d(6, 16, (5, 5)), nn.Sigmoid(), nn.AvgPool2d((2, 2))),
        classifier=nn.Sequential(
            nn.Flatten(), nn.Linear(400, 120), nn.Sigmoid(),
            nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))))
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    if device is None:
        device = [p.device for p in net.parameters()][0]
    with torch.no_grad():
        net.train(False)
        wrong = total = 0
        for X, y in data_iter:
            wrong += int((net(X.to(device)).topk(1).indices.squeeze(1) != y.to(device)).sum())
            total += len(X)
    return 1 - wrong / total
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    criterion = nn.NLLLoss(reduction="mean")
    opt = torch.optim.SGD(params=net.parameters(), lr=lr, momentum=0, weight_decay=0)
    for _ in range(num_epochs):
        net.train(True)
        sums = torch.zeros(3)
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            net.zero_grad()
            logp = net(X).log_softmax(-1)
            l = criterion(logp, y)
            l.backward()
            opt.step()
            sums += torch.tensor([l * len(y), (logp.argmax(-1) == y).sum(), len(y)])
    net.train(False)
    return sums[0] / sums[2], sums[1] / sums[2], evaluate_accuracy_gpu(net, test_iter, device)
