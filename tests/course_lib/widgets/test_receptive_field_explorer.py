"""ReceptiveFieldExplorer: windows, routes and the gradients of a trained net."""

from typing import Any

import pytest
import torch
import traitlets
from torch import nn

from course_lib.geometry import Window, output_size, receptive_field
from course_lib.lenet import LeNet
from course_lib.widgets import ReceptiveFieldExplorer
from course_lib.widgets.receptive_field_explorer import (
    LENET,
    PRESETS,
    trained_fields,
)

from .javascript import call_javascript

STEM = "receptive_field_explorer.js"


def windows(stack: list[dict[str, Any]]) -> list[Window]:
    return [
        Window(s["kernel"], s["stride"], s["padding"], s["dilation"]) for s in stack
    ]


def test_lenets_layers_see_5_6_14_16_and_32_pixels() -> None:
    explorer = ReceptiveFieldExplorer("LeNet")
    sizes = []
    for level in range(1, 6):
        explorer.level = level
        sizes.append((explorer.field.size, explorer.output_size))
    assert sizes == [(5, 28), (6, 14), (14, 10), (16, 5), (32, 1)]


def test_lenets_own_stack_is_the_preset() -> None:
    images = torch.rand(2, 1, 28, 28)
    explorer = ReceptiveFieldExplorer(net=LeNet(), images=images)
    assert explorer.stack == LENET
    assert explorer.controls["preset_index"].value == "the trained net"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_and_is_found_again(name: str) -> None:
    explorer = ReceptiveFieldExplorer(name)
    assert explorer.output_size >= 1
    assert explorer.controls["preset_index"].value == name


def test_a_window_is_a_layer_and_a_stack_without_a_name_is_your_own() -> None:
    explorer = ReceptiveFieldExplorer([Window(3, padding=1)] * 3)
    assert explorer.output_size == 28
    assert explorer.controls["preset_index"].value == "your own"
    assert explorer.stack[0] == {
        "kernel": 3,
        "stride": 1,
        "padding": 1,
        "dilation": 1,
    }


def test_what_a_stack_leaves_out_is_torchs_default() -> None:
    explorer = ReceptiveFieldExplorer([{"kernel": 2}, {"kernel": 2}], size=4)
    assert (explorer.field.size, explorer.output_size) == (3, 2)


def test_python_edits_the_stack_and_chooses_presets() -> None:
    explorer = ReceptiveFieldExplorer()
    explorer.preset_index = list(PRESETS).index("LeNet")
    assert explorer.stack == LENET
    assert explorer.level == 5
    explorer.stack = [{"kernel": 7}]
    assert explorer.controls["preset_index"].value == "one layer, 7×7"
    explorer.reset()
    assert len(explorer.stack) == 3


def test_intervals_may_leave_the_image() -> None:
    explorer = ReceptiveFieldExplorer("LeNet")
    explorer.level, explorer.unit = 4, [0, 4]
    assert explorer.intervals == ((-2, 13), (14, 29))
    assert "rows −2 to 13, columns 14 to 29" in explorer.description()


def test_the_page_finds_the_map_of_a_unit_where_python_put_it() -> None:
    """Offsets of every 7th unit of LeNet's layers, counted one by one."""
    expected, calls = [], []
    offset = 0
    n = 28
    for level, layer in enumerate(LENET, 1):
        window = windows([layer])[0]
        n = output_size(
            n, window.kernel_size, padding=layer["padding"], stride=layer["stride"]
        )
        k = receptive_field(windows(LENET[:level])).size
        for unit in range(n * n):
            if unit % 7 == 0:
                expected.append(offset)
                calls.append(
                    ("gradientOffset", [LENET, 28, level, [unit // n, unit % n]])
                )
            offset += k * k
    assert call_javascript(STEM, calls) == expected


def test_gradient_maps_are_the_gradients_of_single_units() -> None:
    """With one channel no sign can matter: unit by unit is the oracle."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 1, 3, padding=1), nn.Sigmoid(), nn.AvgPool2d(2), nn.Conv2d(1, 1, 2)
    )
    images = torch.rand(4, 1, 8, 8)
    stack, size, data = trained_fields(net, images)
    assert size == 8
    assert [(s["kernel"], s["stride"]) for s in stack] == [(3, 1), (2, 2), (2, 1)]
    X = images.clone().requires_grad_()
    offset = 0
    depths = (1, 3, 4)  # modules of net up to and with the window layer
    for level, depth in enumerate(depths, 1):
        field = receptive_field(windows(stack[:level]))
        Y = net[:depth](X)
        for i in range(Y.shape[2]):
            for j in range(Y.shape[3]):
                (gradient,) = torch.autograd.grad(
                    Y[:, :, i, j].sum(), X, retain_graph=True
                )
                strength = gradient.square().sum(1).mean(0).sqrt()
                wanted = torch.zeros(field.size, field.size)
                for a in range(field.size):
                    for b in range(field.size):
                        r, c = field.interval(i)[0] + a, field.interval(j)[0] + b
                        if 0 <= r < 8 and 0 <= c < 8:
                            wanted[a, b] = strength[r, c]
                wanted = (wanted * 255 / wanted.max()).round()
                part = data[offset : offset + field.size**2]
                got = torch.tensor(list(part)).reshape(field.size, field.size)
                assert (got - wanted).abs().max() <= 1
                offset += field.size**2
    assert offset == len(data)


def test_the_gradient_of_lenet_fills_the_window_that_theory_gives() -> None:
    stack, _, data = trained_fields(LeNet(), torch.rand(8, 1, 28, 28))
    offset = 0
    n = 28
    for level, layer in enumerate(stack, 1):
        n = output_size(
            n, layer["kernel"], padding=layer["padding"], stride=layer["stride"]
        )
        k = receptive_field(windows(stack[:level])).size
        middle = offset + ((n // 2) * n + n // 2) * k * k
        window = torch.tensor(list(data[middle : middle + k * k])).reshape(k, k)
        if level < 5:  # of the dense layer's window two pixels a side are padding
            assert (window > 0).float().mean() > 0.9
        assert window.max() == 255
        offset += n * n * k * k


def test_a_net_is_left_as_it_was() -> None:
    net = LeNet().train()
    before = [p.clone() for p in net.parameters()]
    trained_fields(net, torch.rand(2, 1, 28, 28))
    assert net.training
    assert all(p.grad is None for p in net.parameters())
    assert all(map(torch.equal, before, net.parameters()))


@pytest.mark.parametrize(
    ("size", "weights", "side"),
    [
        (3, [0, 0, 0, 0, 1, 0, 0, 0, 0], 1),
        (3, [1, 1, 1, 1, 1, 1, 1, 1, 1], 3),
        (4, [0] * 5 + [1, 1] + [0, 0] + [1, 1] + [0] * 5, 2),
        (2, [0, 0, 0, 0], 0),
    ],
    ids=["all in the middle", "even", "even side", "nothing"],
)
def test_half_of_the_weight_lies_in_the_smallest_centred_square(
    size: int, weights: list[float], side: int
) -> None:
    assert call_javascript(STEM, [("halfWeight", [weights, size])]) == [side]


BAD_STACKS = [
    ([{"kernel": 8}], "kernel of layer 1 is 8; it is a whole number from 1 to 7"),
    ([{"kernel": 3}, {"kernel": 3, "stride": 0}], "stride of layer 2 is 0"),
    ([{"stride": 1}], "layer 1 is {'stride': 1}; pass a dict such as"),
    ([{"kernel": 3, "size": 2}], "layer 1 has 'size'; it takes kernel, stride"),
    ([{"kernel": True}], "kernel of layer 1 is True"),
]


@pytest.mark.parametrize(("stack", "message"), BAD_STACKS)
def test_a_layer_out_of_range_is_named(stack: list[Any], message: str) -> None:
    with pytest.raises(traitlets.TraitError, match=message):
        ReceptiveFieldExplorer(stack)


@pytest.mark.parametrize("stack", [[], [{"kernel": 1}] * 9], ids=["none", "nine"])
def test_a_stack_has_1_to_8_layers(stack: list[Any]) -> None:
    with pytest.raises(traitlets.TraitError, match="stack"):
        ReceptiveFieldExplorer(stack)


RANDOM = torch.rand(2, 1, 28, 28)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stack": "VGG"}, "no preset 'VGG'; choose one of 'two layers, 3×3'"),
        ({"stack": [Window(2, padding=(1, 0))]}, r"equal on both sides; got \(1, 0\)"),
        ({"net": LeNet()}, r"images must have the shape \(N, c, H, H\) .* got None"),
        (
            {"net": LeNet(), "images": RANDOM[0]},
            r"images must have .* got shape \(1, 28, 28\)",
        ),
        ({"net": LeNet()[0], "images": RANDOM}, "nn.Sequential; got Conv2d"),
        (
            {"net": nn.Sequential(nn.Conv2d(1, 1, (2, 3))), "images": RANDOM},
            "treat both axes alike; got Conv2d",
        ),
        (
            {"net": nn.Sequential(nn.Conv2d(1, 1, 9)), "images": RANDOM},
            "kernel of layer 1 is 9",
        ),
    ],
    ids=["preset", "padding", "images", "axes", "net", "square", "large"],
)
def test_an_argument_that_cannot_be_drawn_says_what_can(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ReceptiveFieldExplorer(**arguments)


def test_a_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(traitlets.TraitError, match="preset_index is 7; there are 6"):
        ReceptiveFieldExplorer().preset_index = 7


def test_a_stack_that_does_not_fit_has_no_output_and_says_so() -> None:
    explorer = ReceptiveFieldExplorer("one layer, 7×7", size=4)
    assert explorer.output_size == 0
    assert "does not fit into an image of 4×4" in explorer.description()
    assert "accent" not in explorer.picture()


def test_the_static_picture_carries_its_description() -> None:
    explorer = ReceptiveFieldExplorer()
    assert f'aria-label="{explorer.description()}"' in explorer.picture()
