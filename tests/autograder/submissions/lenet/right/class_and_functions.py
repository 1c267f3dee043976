# way: a class with functional sigmoid and pooling; cross_entropy as a function
# %% lenet
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5, padding='same')
        self.c2 = nn.Conv2d(6, 16, 5)
        self.f1 = nn.Linear(400, 120)
        self.f2 = nn.Linear(120, 84)
        self.f3 = nn.Linear(84, 10)

    def forward(self, X):
        X = F.avg_pool2d(torch.sigmoid(self.c1(X)), 2)
        X = F.avg_pool2d(torch.sigmoid(self.c2(X)), 2)
        X = X.view(X.shape[0], -1)
        return self.f3(torch.sigmoid(self.f2(torch.sigmoid(self.f1(X)))))

lenet = LeNet
# %% evaluate_accuracy_gpu
@torch.inference_mode()
def evaluate_accuracy_gpu(net, data_iter, device=None):
    was_training = net.training
    net.eval()
    device = device or next(net.parameters()).device
    hits = [net(X.to(device)).argmax(-1) == y.to(device) for X, y in data_iter]
    net.train(was_training)
    return torch.cat(hits).float().mean().item()
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net = net.to(device)
    sgd = torch.optim.SGD(net.parameters(), lr)
    for _ in range(num_epochs):
        net.train()
        losses, hits = [], []
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            out = net(X)
            losses.append(F.cross_entropy(out, y, reduction='none'))
            hits.append((out.argmax(1) == y).float())
            sgd.zero_grad(set_to_none=False)
            losses[-1].mean().backward()
            sgd.step()
    net.eval()
    return (torch.cat(losses).mean().item(), torch.cat(hits).mean().item(),
            evaluate_accuracy_gpu(net, test_iter, device))
