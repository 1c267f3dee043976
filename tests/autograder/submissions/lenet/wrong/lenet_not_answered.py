# breaks: lenet
def lenet():
    # YOUR CODE HERE
    raise NotImplementedError()
