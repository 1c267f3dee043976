# breaks: train_ch6
# hint: adds no layer to it
def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    outputs = net[-1].out_features
    net.append(nn.Linear(outputs, outputs))
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = nn.CrossEntropyLoss()
    for epoch in range(num_epochs):
        sums = [0.0, 0.0, 0]
        net.train()
        for X, y in train_iter:
            optimizer.zero_grad()
            X, y = X.to(device), y.to(device)
            y_hat = net(X)
            l = loss(y_hat, y)
            l.backward()
            optimizer.step()
            with torch.no_grad():
                sums[0] += float(l * X.shape[0])
                sums[1] += float((y_hat.argmax(1) == y).sum())
                sums[2] += X.shape[0]
        train_loss, train_acc = sums[0] / sums[2], sums[1] / sums[2]
        test_acc = evaluate_accuracy_gpu(net, test_iter)
    net.eval()
    return train_loss, train_acc, test_acc
