# way: the sum of the losses divided by the batch size, gradients cleared after the step and before the first
# %% lenet
def lenet():
    """LeNet-5 in the form of the book."""
    conv1, conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
    fc1, fc2, fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)
    act, pool = nn.Sigmoid(), nn.AvgPool2d(2)
    return nn.Sequential(conv1, act, pool, conv2, act, pool, nn.Flatten(), fc1, act, fc2, act, fc3)
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    device = device or next(net.parameters()).device
    net.eval()
    total, right = 0, 0.0
    with torch.no_grad():
        for batch in data_iter:
            X, y = (t.to(device) for t in batch)
            accuracy = (net(X).argmax(1) == y).float().mean()
            right += float(accuracy) * len(y)
            total += len(y)
    return right / total
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss(reduction="sum")
    epoch = 0
    while epoch < num_epochs:
        net.train()
        total_loss, right, count = 0., 0, 0
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            y_hat = net(X)
            l = loss(y_hat, y)
            (l / len(y)).backward()
            optimizer.step()
            optimizer.zero_grad()
            total_loss += l.item()
            right += sum(int(a == b) for a, b in zip(y_hat.argmax(1), y))
            count += len(y)
        epoch += 1
    test_acc = evaluate_accuracy_gpu(net, test_iter, device)
    return [total_loss / count, right / count, test_acc]
