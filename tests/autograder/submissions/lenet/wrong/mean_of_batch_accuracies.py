# breaks: evaluate_accuracy_gpu
# hint: mean of the batches' accuracies
def evaluate_accuracy_gpu(net, data_iter, device=None):
    net.eval()
    if not device:
        device = next(iter(net.parameters())).device
    right, total = 0, 0
    with torch.no_grad():
        for X, y in data_iter:
            X, y = X.to(device), y.to(device)
            right += (net(X).argmax(dim=1) == y).float().mean().item()
            total += 1
    return right / total
