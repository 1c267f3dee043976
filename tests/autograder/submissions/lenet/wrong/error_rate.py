# breaks: evaluate_accuracy_gpu
# hint: fraction of wrong ones
def evaluate_accuracy_gpu(net, data_iter, device=None):
    net.eval()
    if not device:
        device = next(iter(net.parameters())).device
    right, total = 0, 0
    with torch.no_grad():
        for X, y in data_iter:
            X, y = X.to(device), y.to(device)
            right += (net(X).argmax(dim=1) != y).sum().item()
            total += y.numel()
    return right / total
