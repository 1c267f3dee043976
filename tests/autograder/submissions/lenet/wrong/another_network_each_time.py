# breaks: lenet
# hint: other parameters than the first
layers = [
    *(nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid()),
    nn.AvgPool2d(2),
    *(nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()),
    *(nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid()),
    nn.Linear(84, 10),
]


def lenet():
    network = nn.Sequential(*layers)
    layers.append(nn.Linear(10, 10))
    return network
