"""lenet.js against torch: every map of the net, for random weights and images."""

import random
from typing import Any

import pytest
import torch
from torch import nn

from .javascript import call_javascript

TOLERANCE = 1e-5


def describe(net: nn.Sequential) -> list[dict[str, Any]]:
    """The net as lenet.js reads it, written out here independently of the explorer."""

    def pair(value: Any) -> list[int]:
        return list(value) if isinstance(value, tuple) else [value, value]

    def arrays(layer: nn.Conv2d | nn.Linear) -> dict[str, Any]:
        bias = None if layer.bias is None else layer.bias.tolist()
        return {"weight": layer.weight.flatten().tolist(), "bias": bias}

    layers: list[dict[str, Any]] = []
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            size = {"in": layer.in_channels, "out": layer.out_channels}
            window = {
                "kernel": pair(layer.kernel_size),
                "stride": pair(layer.stride),
                "padding": pair(layer.padding),
            }
            layers.append({"kind": "conv", **size, **window, **arrays(layer)})
        elif isinstance(layer, nn.AvgPool2d | nn.MaxPool2d):
            kind = "avg_pool" if isinstance(layer, nn.AvgPool2d) else "max_pool"
            layers.append(
                {
                    "kind": kind,
                    "kernel": pair(layer.kernel_size),
                    "stride": pair(layer.stride),
                    "padding": pair(layer.padding),
                }
            )
        elif isinstance(layer, nn.Linear):
            size = {"in": layer.in_features, "out": layer.out_features}
            layers.append({"kind": "linear", **size, **arrays(layer)})
        else:
            layers.append({"kind": type(layer).__name__.lower()})
    return layers


def all_maps(net: nn.Sequential, image: torch.Tensor) -> list[torch.Tensor]:
    maps = [image]
    with torch.no_grad():
        for layer in net:
            maps.append(layer(maps[-1]))
    return maps


def lenet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(),
        nn.Linear(120, 84), nn.Sigmoid(),
        nn.Linear(84, 10),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_every_map_of_lenet_agrees_with_torch(seed: int) -> None:
    torch.manual_seed(seed)
    net = lenet()
    for (
        parameter
    ) in net.parameters():  # larger weights than the default: no map is flat
        nn.init.normal_(parameter, std=0.3)
    image = torch.rand(1, 1, 28, 28)
    (maps,) = call_javascript(
        "lenet.js",
        [("forwardMaps", [describe(net), image.flatten().tolist(), [1, 28, 28]])],
    )
    wanted = all_maps(net, image)
    assert [m["shape"] for m in maps] == [list(w.shape[1:]) for w in wanted]
    for got, want in zip(maps, wanted, strict=True):
        torch.testing.assert_close(
            torch.tensor(got["values"]), want.flatten(), rtol=TOLERANCE, atol=TOLERANCE
        )


def random_conv(rng: random.Random) -> tuple[nn.Conv2d, torch.Tensor]:
    """A convolution with numbers of its own per axis, and an input it accepts."""
    kernel = (rng.randint(1, 4), rng.randint(1, 4))
    layer = nn.Conv2d(
        rng.randint(1, 3),
        rng.randint(1, 3),
        kernel,
        stride=(rng.randint(1, 3), rng.randint(1, 3)),
        padding=(rng.randint(0, 3), rng.randint(0, 3)),
        bias=rng.random() < 0.7,
        dtype=torch.float64,
    )
    size = (rng.randint(kernel[0], 9), rng.randint(kernel[1], 9))
    return layer, torch.randn(1, layer.in_channels, *size, dtype=torch.float64)


def test_five_thousand_random_convolutions_agree_with_torch() -> None:
    torch.manual_seed(1)
    rng = random.Random("convolutions")
    pairs = [random_conv(rng) for _ in range(5000)]
    answers = call_javascript(
        "lenet.js",
        [
            (
                "forwardMaps",
                [describe(nn.Sequential(c)), x.flatten().tolist(), list(x.shape[1:])],
            )
            for c, x in pairs
        ],
    )
    for (conv, x), maps in zip(pairs, answers, strict=True):
        wanted = all_maps(nn.Sequential(conv), x)[1]
        assert maps[1]["shape"] == list(wanted.shape[1:]), conv
        got = torch.tensor(maps[1]["values"], dtype=torch.float64)
        torch.testing.assert_close(
            got, wanted.flatten(), rtol=TOLERANCE, atol=TOLERANCE
        )


def test_five_thousand_random_dense_layers_agree_with_torch() -> None:
    torch.manual_seed(2)
    rng = random.Random("dense")
    layers = [
        nn.Linear(rng.randint(1, 20), rng.randint(1, 20), rng.random() < 0.7)
        for _ in range(5000)
    ]
    inputs = [torch.randn(1, layer.in_features) for layer in layers]
    answers = call_javascript(
        "lenet.js",
        [
            (
                "forwardMaps",
                [describe(nn.Sequential(d)), x.flatten().tolist(), list(x.shape[1:])],
            )
            for d, x in zip(layers, inputs, strict=True)
        ],
    )
    for layer, x, maps in zip(layers, inputs, answers, strict=True):
        got = torch.tensor(maps[1]["values"])
        wanted = all_maps(nn.Sequential(layer), x)[1][0]
        torch.testing.assert_close(got, wanted, rtol=TOLERANCE, atol=TOLERANCE)


ACTIVATIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_five_thousand_activations_agree_with_torch(kind: str) -> None:
    torch.manual_seed(3)
    x = torch.randn(5000) * 20
    (maps,) = call_javascript(
        "lenet.js", [("forwardMaps", [[{"kind": kind}], x.tolist(), [5000]])]
    )
    torch.testing.assert_close(
        torch.tensor(maps[1]["values"]), ACTIVATIONS[kind](x), rtol=1e-6, atol=1e-7
    )


def test_five_thousand_softmaxes_agree_with_torch_even_for_huge_scores() -> None:
    torch.manual_seed(4)
    scores = (
        torch.randn(5000, 10, dtype=torch.float64)
        * torch.logspace(-2, 3, 5000)[:, None]
    )
    answers = call_javascript(
        "lenet.js", [("softmax", [row]) for row in scores.tolist()]
    )
    got = torch.tensor(answers, dtype=torch.float64)
    torch.testing.assert_close(got, scores.softmax(1), rtol=1e-9, atol=1e-12)


def test_a_modernised_net_with_relu_and_maximum_pooling_agrees_with_torch() -> None:
    torch.manual_seed(5)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(4, 5, (3, 2)), nn.Tanh(), nn.Flatten(), nn.Linear(5 * 5 * 6, 10),
    )  # fmt: skip
    image = torch.randn(1, 1, 28, 28)
    (maps,) = call_javascript(
        "lenet.js",
        [("forwardMaps", [describe(net), image.flatten().tolist(), [1, 28, 28]])],
    )
    for got, want in zip(maps, all_maps(net, image), strict=True):
        torch.testing.assert_close(
            torch.tensor(got["values"]), want.flatten(), rtol=TOLERANCE, atol=TOLERANCE
        )


def test_a_layer_that_it_cannot_compute_is_named() -> None:
    (answer,) = call_javascript(
        "lenet.js", [("forwardMaps", [[{"kind": "gelu"}], [0.0], [1]])]
    )
    assert answer == {"error": 'No forward pass for a layer of kind "gelu".'}
