# way: several optimisers, a scheduler that never changes anything, gradients scaled by hand
# %% lenet
class View(nn.Module):
    def forward(self, X):
        return X.reshape(len(X), 400)

def lenet():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AdaptiveAvgPool2d(14)),
        nn.Sequential(nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AdaptiveAvgPool2d(5)),
        View(),
        nn.Sequential(nn.Linear(400, 120), nn.Sigmoid()),
        nn.Sequential(nn.Linear(120, 84), nn.Sigmoid()),
        nn.Linear(84, 10))
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    device = next(net.parameters()).device if device is None else torch.device(device)
    net.eval()

    @torch.no_grad()
    def right(X, y):
        return (net(X.to(device)).argmax(1) == y.to(device)).tolist()

    answers = sum((right(X, y) for X, y in data_iter), [])
    return answers.count(True) / len(answers)
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    optimizers = [torch.optim.SGD(m.parameters(recurse=False), lr=lr)
                  for m in net.modules() if list(m.parameters(recurse=False))]
    schedules = [torch.optim.lr_scheduler.ConstantLR(o, factor=1.0) for o in optimizers]
    for epoch in range(num_epochs):
        for module in net.modules():
            module.training = True
        results = []
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            [o.zero_grad() for o in optimizers]
            scores = net(X)
            l = F.cross_entropy(scores, y)
            l.backward()
            [o.step() for o in optimizers]
            results += [(l.item(), hit) for hit in (scores.argmax(1) == y).tolist()]
        [s.step() for s in schedules]
    losses, hits = zip(*results)
    test_acc = evaluate_accuracy_gpu(net, test_iter, device)
    net.eval()
    return sum(losses) / len(losses), sum(hits) / len(hits), test_acc
