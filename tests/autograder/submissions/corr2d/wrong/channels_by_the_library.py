# breaks: corr2d_multi_in_out
# hint: Write the multiplications and sums yourself
from torch.nn.functional import conv2d as correlate

def corr2d_multi_in_out(X, K):
    if X.shape[0] != K.shape[1]:
        raise ValueError("channels differ")
    return correlate(X.unsqueeze(0), K).squeeze(0)
