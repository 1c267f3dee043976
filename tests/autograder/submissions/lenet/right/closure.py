# way: optimizer.step with a closure, NumPy for the sums
# %% lenet
def lenet():
    net = nn.Sequential()
    net.append(nn.Conv2d(1, 6, 5, padding=2)).append(nn.Sigmoid()).append(nn.AvgPool2d(2))
    net.append(nn.Conv2d(6, 16, 5)).append(nn.Sigmoid()).append(nn.AvgPool2d(2))
    net.append(nn.Flatten())
    net.append(nn.Linear(400, 120)).append(nn.Sigmoid())
    net.append(nn.Linear(120, 84)).append(nn.Sigmoid())
    return net.append(nn.Linear(84, 10))
# %% evaluate_accuracy_gpu
import numpy as np

def evaluate_accuracy_gpu(net, data_iter, device=None):
    if device is None:
        device = next(net.parameters()).device
    net.eval()
    right = []
    with torch.no_grad():
        for X, y in data_iter:
            right.extend((net(X.to(device)).cpu().numpy().argmax(1) == y.numpy()).tolist())
    return float(np.mean(right))
# %% train_ch6
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for epoch in range(num_epochs):
        net.train()
        sums = np.zeros(3)
        for X, y in train_iter:
            X, y = X.to(device), y.to(device)
            kept = {}

            def closure():
                optimizer.zero_grad()
                kept["scores"] = net(X)
                loss = nn.functional.cross_entropy(kept["scores"], y)
                loss.backward()
                return loss

            loss = optimizer.step(closure)
            right = (kept["scores"].argmax(1) == y).sum()
            sums += [float(loss) * len(y), float(right), len(y)]
        history.append((sums[0] / sums[2], sums[1] / sums[2], evaluate_accuracy_gpu(net, test_iter)))
    return tuple(map(float, history[-1]))
