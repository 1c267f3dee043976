"""LeNetExplorer: what it ships is the net, and its errors say what works."""

from itertools import pairwise
from typing import Any

import numpy
import pytest
import torch
import traitlets
from torch import nn

from course_lib.data import LABELS
from course_lib.lenet import LeNet
from course_lib.widgets import LeNetExplorer
from course_lib.widgets.lenet_explorer import describe_net

from .javascript import call_javascript

STEM = "lenet_explorer.js"


@pytest.fixture(scope="module")
def net() -> nn.Sequential:
    torch.manual_seed(0)
    return LeNet()


@pytest.fixture
def explorer(net: nn.Sequential) -> LeNetExplorer:
    torch.manual_seed(1)
    return LeNetExplorer(net, torch.rand(3, 1, 28, 28), [9, 0, 3])


def shipped(explorer: LeNetExplorer) -> list[dict[str, Any]]:
    """The layers with their numbers, cut out of the shipped bytes as the page does."""
    numbers = numpy.frombuffer(explorer._weights, dtype="<f4")

    def cut(span: list[int] | None) -> list[float] | None:
        return numbers[span[0] : span[0] + span[1]].tolist() if span else None

    return [
        {**layer, "weight": cut(layer.get("weight")), "bias": cut(layer.get("bias"))}
        for layer in explorer._layers
    ]


def test_what_is_shipped_gives_torchs_maps_and_probabilities(
    explorer: LeNetExplorer,
) -> None:
    """From the explorer's own traits, not from the net: nothing is lost on the way."""
    layers = shipped(explorer)
    for index in range(3):
        explorer.image_index = index
        pixels = explorer.image.flatten().tolist()
        (maps,) = call_javascript(
            "lenet.js", [("forwardMaps", [layers, pixels, [1, 28, 28]])]
        )
        for got, wanted in zip(maps[1:], explorer.maps, strict=True):
            assert got["shape"] == list(wanted.shape)
            torch.testing.assert_close(
                torch.tensor(got["values"]), wanted.flatten(), rtol=1e-5, atol=1e-5
            )
        (chances,) = call_javascript("lenet.js", [("softmax", [maps[-1]["values"]])])
        torch.testing.assert_close(
            torch.tensor(chances), explorer.probabilities, rtol=1e-5, atol=1e-5
        )


def test_weights_are_shipped_in_single_precision_once(explorer: LeNetExplorer) -> None:
    assert len(explorer._weights) == 4 * 61_706
    spans = [
        layer[name]
        for layer in explorer._layers
        for name in ("weight", "bias")
        if layer.get(name)
    ]
    assert sum(length for _, length in spans) == 61_706
    assert all(a + n == b for (a, n), (b, _) in pairwise(spans))


def test_the_ledger_of_the_page_is_the_librarys(explorer: LeNetExplorer) -> None:
    for layer, cost in zip(explorer._layers, explorer.ledger, strict=True):
        assert layer["parameters"] == cost.parameters
        assert layer["multiply_adds"] == cost.multiply_adds
        assert layer["activation_bytes"] == cost.activation_bytes
        assert tuple(layer["output_shape"]) == cost.output_shape[1:]
    assert (explorer.parameters, explorer.ledger.multiply_adds) == (61_706, 416_520)


def test_later_training_does_not_change_the_explorer(net: nn.Sequential) -> None:
    explorer = LeNetExplorer(net, torch.rand(1, 28, 28), [0])
    before = explorer.probabilities
    with torch.no_grad():
        net[0].weight.add_(1)
    assert torch.equal(explorer.probabilities, before)
    with torch.no_grad():
        net[0].weight.sub_(1)


def test_a_drawing_is_seen_by_python(explorer: LeNetExplorer) -> None:
    explorer.drawing = [255] * 784
    explorer.image_index = 3
    assert explorer.image.min() == 1
    assert explorer.prediction in LABELS
    assert "your drawing" in explorer.description()
    explorer.reset()
    assert (explorer.image_index, max(explorer.drawing)) == (0, 0)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 28, 28, dtype=torch.uint8),
        torch.zeros(2, 1, 28, 28),
        numpy.zeros((2, 28, 28)),
    ],
    ids=["bytes", "channel axis", "numpy"],
)
def test_images_come_in_several_forms(net: nn.Sequential, images: Any) -> None:
    assert LeNetExplorer(net, images, torch.tensor([1, 2])).image.shape == (28, 28)


def test_floats_and_bytes_are_the_same_image(net: nn.Sequential) -> None:
    grey = torch.arange(784).reshape(1, 28, 28).remainder(256).to(torch.uint8)
    from_bytes = LeNetExplorer(net, grey, [0])
    from_floats = LeNetExplorer(net, grey / 255, [0])
    assert torch.equal(from_bytes.image, from_floats.image)


def brush(pixels: list[int], r: int, c: int, erase: bool = False) -> list[int]:
    (painted,) = call_javascript(STEM, [("brush", [pixels, r, c, erase])])
    return painted


def test_the_brush_paints_a_soft_dot_and_erases_it() -> None:
    dot = torch.tensor(brush([0] * 784, 5, 7)).reshape(28, 28)
    assert dot[5, 7] == 255
    assert dot[4, 7] == dot[5, 8] == 160
    assert dot[4, 6] == 60
    assert int((dot > 0).sum()) == 9
    cleaned = torch.tensor(brush(dot.flatten().tolist(), 5, 7, True)).reshape(28, 28)
    assert cleaned[5, 7] == cleaned[4, 7] == 0


@pytest.mark.parametrize("corner", [(0, 0), (0, 27), (27, 0), (27, 27)])
def test_the_brush_stays_inside_the_image(corner: tuple[int, int]) -> None:
    dot = torch.tensor(brush([0] * 784, *corner)).reshape(28, 28)
    assert int((dot > 0).sum()) == 4


@pytest.mark.parametrize(
    ("n", "shape"),
    [(1, [1, 1]), (6, [2, 3]), (10, [2, 5]), (16, [4, 4]), (84, [9, 10])],
)
def test_maps_are_arranged_nearly_square(n: int, shape: list[int]) -> None:
    assert call_javascript(STEM, [("arrangement", [n])]) == [shape]


def test_a_modernised_net_can_be_explored() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(4, 5, (3, 2)), nn.Tanh(), nn.Flatten(), nn.Linear(5 * 5 * 6, 10),
    )  # fmt: skip
    explorer = LeNetExplorer(net, torch.rand(1, 28, 28), [0])
    titles = [layer["title"] for layer in explorer._layers]
    assert titles == [
        "conv 1→4, 3×3", "ReLU", "max pool 3×3", "conv 4→5, 3×2", "tanh", "flatten",
        "dense 150→10",
    ]  # fmt: skip


def small(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


UNKNOWN = [
    nn.Conv2d(1, 1, 3, dilation=2),
    nn.Conv2d(2, 2, 3, groups=2),
    nn.Conv2d(1, 1, 3, padding="same"),
    nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"),
    nn.AvgPool2d(2, ceil_mode=True),
    nn.AvgPool2d(2, count_include_pad=False),
    nn.MaxPool2d(2, dilation=2),
    nn.Flatten(2),
    nn.GELU(),
]


@pytest.mark.parametrize("layer", UNKNOWN, ids=str)
def test_a_layer_that_the_page_cannot_compute_is_named(layer: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"cannot compute layer 1, .* it knows Conv2d"):
        describe_net(small(nn.Sigmoid(), layer))


IMAGE = torch.rand(1, 1, 28, 28)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((nn.Linear(2, 2), IMAGE, [0]), "nn.Sequential .* got Linear"),
        ((small(), IMAGE, [0]), "at least one layer"),
        ((LeNet(), torch.rand(1, 1, 32, 32), [0]), r"28×28, .* \(1, 32, 32\)"),
        ((LeNet(), torch.zeros(101, 28, 28), [0] * 101), "1 to 100 images"),
        ((LeNet(), IMAGE * 255, [0]), r"floats must lie in \[0, 1\]"),
        ((LeNet(), IMAGE, [0, 1]), "1 images need 1 labels; got 2"),
        ((LeNet(), IMAGE, [10]), "label 10 is not one of the 10 classes, 0 to 9"),
        ((LeNet(), IMAGE, [0], ["a", "b"]), r"gives \(10,\) .* it must give \(2,\)"),
    ],
    ids=["net", "empty", "size", "many", "range", "labels", "class", "classes"],
)
def test_arguments_that_do_not_fit_say_what_would(
    arguments: tuple[Any, ...], message: str
) -> None:
    net, images, labels, *classes = arguments
    with pytest.raises(ValueError, match=message):
        LeNetExplorer(net, images, labels, classes=classes[0] if classes else None)


@pytest.mark.parametrize(
    ("name", "value", "last"), [("image_index", 4, 3), ("layer", 12, 11)]
)
def test_an_index_out_of_range_is_refused(
    explorer: LeNetExplorer, name: str, value: int, last: int
) -> None:
    with pytest.raises(
        traitlets.TraitError, match=f"{name} is {value}; it goes from 0 to {last}"
    ):
        setattr(explorer, name, value)


def test_a_drawing_has_784_grey_levels(explorer: LeNetExplorer) -> None:
    for wrong in ([0] * 783, [256] * 784):
        with pytest.raises(traitlets.TraitError, match="drawing"):
            explorer.drawing = wrong


def test_the_static_picture_carries_its_description(explorer: LeNetExplorer) -> None:
    assert f'aria-label="{explorer.description()}"' in explorer.picture()


def test_the_static_picture_is_light(explorer: LeNetExplorer) -> None:
    """Seven grids of 784 cells are seven small images, not 5,488 elements."""
    picture = explorer.picture()
    assert picture.count("<image ") == 7
    assert len(picture) < 40_000
