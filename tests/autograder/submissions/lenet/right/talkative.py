# way: prints, plots, progress, warnings, timing, cells of the student's own
# %% extra
!nvidia-smi
%load_ext autoreload
# %% lenet
import time, warnings

def lenet():
    warnings.warn("sigmoids saturate", UserWarning)
    net = nn.Sequential(
        nn.Conv2d(in_channels=1, out_channels=6, kernel_size=5, padding=2, stride=1, bias=True),
        nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2, padding=0),
        nn.Conv2d(in_channels=6, out_channels=16, kernel_size=5), nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2), nn.Flatten(),
        nn.Linear(in_features=400, out_features=120), nn.Sigmoid(),
        nn.Linear(in_features=120, out_features=84), nn.Sigmoid(),
        nn.Linear(in_features=84, out_features=10))
    print(net)
    return net
# %% extra
X = torch.rand(1, 1, 28, 28)
for layer in lenet():
    X = layer(X)
    print(layer.__class__.__name__, X.shape)
# %% evaluate_accuracy_gpu
def evaluate_accuracy_gpu(net, data_iter, device=None):
    start = time.time()
    net.eval()
    device = device or next(net.parameters()).device
    with torch.no_grad():
        rights = sum((net(X.to(device)).argmax(1) == y.to(device)).sum() for X, y in data_iter)
    with torch.no_grad():
        total = sum(len(y) for X, y in data_iter)
    print(f"{time.time() - start:.2f} s")
    return rights.item() / total
# %% train_ch6
%%time
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    print("training on", device, "with", len(train_iter), "batches")
    net.to(device)
    history = {"loss": [], "train": [], "test": []}
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = nn.CrossEntropyLoss()
    before = evaluate_accuracy_gpu(net, test_iter, device)
    print("before training", before)
    for epoch in range(1, num_epochs + 1):
        net.train()
        l_sum, a_sum, n = 0.0, 0.0, 0
        for i, batch in enumerate(train_iter, 1):
            X, y = batch[0].to(device), batch[1].to(device)
            optimizer.zero_grad()
            out = net(X)
            l = loss(out, y)
            l.backward()
            optimizer.step()
            l_sum, a_sum, n = l_sum + l.item() * y.numel(), a_sum + (out.max(1)[1] == y).sum().item(), n + y.numel()
            print("\r", epoch, i, end="")
        history["loss"].append(l_sum / n)
        history["train"].append(a_sum / n)
        history["test"].append(evaluate_accuracy_gpu(net, test_iter, device))
    net.eval()
    return history["loss"][-1], history["train"][-1], history["test"][-1]
