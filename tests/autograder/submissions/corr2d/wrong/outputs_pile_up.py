# breaks: corr2d_multi_in_out
# hint: pile up
def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    total, outputs = 0, []
    for kernel in K:
        for x, k in zip(X, kernel):
            total = total + corr2d(x, k)
        outputs.append(total)
    return torch.stack(outputs)
