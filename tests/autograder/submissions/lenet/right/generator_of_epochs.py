# way: a generator that yields after each epoch, all parameters updated at once
# %% lenet
def lenet():
    layers = [(1, 6, 2), (6, 16, 0)]
    convs = [m for i, o, p in layers
             for m in (nn.Conv2d(i, o, 5, padding=p), nn.Sigmoid(), nn.AvgPool2d(2, stride=2))]
    sizes = [400, 120, 84, 10]
    dense = [m for i, o in zip(sizes, sizes[1:]) for m in (nn.Linear(i, o), nn.Sigmoid())]
    return nn.Sequential(*convs, nn.Flatten(), *dense[:-1])
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    device = device or next(net.parameters()).device
    net.eval()
    table = torch.zeros(2)
    with torch.no_grad():
        for X, y in data_iter:
            hits = (net(X.to(device)).argmax(1) == y.to(device)).sum()
            table += torch.tensor([hits, len(y)])
    return table[0] / table[1]
# %% train_ch6
def epochs(net, data, lr, device):
    parameters = list(net.parameters())
    while True:
        net.train()
        total = torch.zeros(3, dtype=torch.float64)
        for X, y in data:
            X, y = X.to(device), y.to(device)
            net.zero_grad()
            scores = net(X)
            value = F.cross_entropy(scores, y)
            torch.autograd.backward(value)
            with torch.no_grad():
                torch._foreach_add_(parameters, [p.grad for p in parameters], alpha=-lr)
            hits = (scores.argmax(1) == y).sum()
            total += torch.tensor([value * len(y), hits, len(y)], dtype=torch.float64)
        yield (total[:2] / total[2]).tolist()

def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    for _, (loss, acc) in zip(range(num_epochs), epochs(net, train_iter, lr, device)):
        pass
    return loss, acc, evaluate_accuracy_gpu(net, test_iter, device)
