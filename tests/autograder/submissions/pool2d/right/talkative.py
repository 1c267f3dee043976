# way: prints, warnings, timing magics, cells and plots of the student's own
# %% extra
%pip list
!ls
# %% pool2d
%matplotlib inline
import warnings

class ModeError(ValueError):
    pass

def pool2d(X, pool_size, mode="max"):
    print("pooling", tuple(X.shape), pool_size, mode)
    warnings.warn("loops are slow")
    if mode.strip() != mode or mode not in "max avg".split():
        raise ModeError(mode)
    h, w = pool_size
    Y = X.new_zeros((X.size(0) - h + 1, X.size(1) - w + 1))
    for index, _ in enumerate(Y.flatten()):
        i, j = divmod(index, Y.size(1))
        window = X[i:i + h, j:j + w].flatten()
        Y[i, j] = sorted(window, key=float)[-1] if mode == "max" else sum(window) / len(window)
    return Y
# %% extra
import matplotlib.pyplot as plt
plt.imshow(pool2d(torch.rand(5, 5), (2, 2)))
assert False, "an old experiment"
# %% pool2d_full
%%time
def pool2d_full(X, pool_size, stride=None, padding=(0, 0), mode="max"):
    print(X.shape, pool_size, stride, padding, mode)
    if any(p > k / 2 for p, k in zip(padding, pool_size)):
        raise ValueError("at most half the window")
    stride = tuple(stride or pool_size)
    edge = torch.tensor(-torch.inf if mode == "max" else 0.0)
    big = edge.expand(*X.shape[:2], X.shape[2] + 2 * padding[0], X.shape[3] + 2 * padding[1]).clone()
    big[:, :, padding[0]:padding[0] + X.shape[2], padding[1]:padding[1] + X.shape[3]] = X
    result = []
    for top in range(0, big.shape[2] - pool_size[0] + 1, stride[0]):
        row = []
        for left in range(0, big.shape[3] - pool_size[1] + 1, stride[1]):
            window = big[:, :, top:top + pool_size[0], left:left + pool_size[1]].flatten(2)
            row.append(window.sort(-1).values[..., -1] if mode == "max" else window.mean(-1))
        result.append(torch.stack(row, -1))
    return torch.stack(result, -2)
