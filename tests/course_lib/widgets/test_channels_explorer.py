"""ChannelsExplorer: its numbers are the chapter's, and its errors say what works."""

import itertools
import re

import pytest
import torch
import traitlets

from course_lib.convolution import corr2d_multi_in_out_1x1
from course_lib.geometry import output_size
from course_lib.widgets import ChannelsExplorer

from .javascript import call_javascript

STEM = "channels_explorer.js"


def test_the_first_picture_shows_the_numbers_of_the_chapter() -> None:
    Y = ChannelsExplorer().Y
    assert Y[0].tolist() == [[56, 72], [104, 120]]
    assert Y[1].tolist() == [[76, 100], [148, 172]]
    assert Y[2].tolist() == [[96, 128], [192, 224]]


@pytest.mark.parametrize("numbers", [0, 1], ids=["counting", "signed"])
def test_python_and_javascript_show_the_same_numbers(numbers: int) -> None:
    explorer = ChannelsExplorer(4, 4, 3, 6)
    explorer.numbers_index = numbers
    signed = bool(numbers)
    channels = call_javascript(
        STEM, [("inputChannel", [c, 6, signed]) for c in range(4)]
    )
    pairs = list(itertools.product(range(4), range(4)))
    slices = call_javascript(
        STEM, [("kernelSlice", [o, c, 3, signed]) for o, c in pairs]
    )
    for c, channel in enumerate(channels):
        assert channel["data"] == explorer.X[c].flatten().tolist()
    for (o, c), part in zip(pairs, slices, strict=True):
        assert part["data"] == explorer.K[o, c].flatten().tolist()


def test_sizes_and_costs_agree_with_geometry_and_torch_for_every_setting() -> None:
    settings = list(
        itertools.product(range(1, 5), range(1, 5), range(1, 6), range(2, 9))
    )
    answers = call_javascript(
        STEM,
        [
            ("channelCosts", [{"c_i": c_i, "c_o": c_o, "k": k, "size": n}])
            for c_i, c_o, k, n in settings
        ],
    )
    for (c_i, c_o, k, n), cost in zip(settings, answers, strict=True):
        out = output_size(n, k) if k <= n else 0
        layer = torch.nn.Conv2d(c_i, c_o, k, bias=False)
        assert cost["out"] == out
        assert cost["weights"] == layer.weight.numel()
        assert cost["multiplyAdds"] == layer.weight.numel() * out * out
        assert cost["dense"] == (c_i * n * n) * (c_o * out * out)


def test_with_k_1_the_layer_is_a_dense_layer_at_every_pixel() -> None:
    explorer = ChannelsExplorer(3, 2, 1, 4)
    assert torch.equal(explorer.Y, corr2d_multi_in_out_1x1(explorer.X, explorer.K))


@pytest.mark.parametrize(
    ("name", "value"), [("c_i", 0), ("c_i", 5), ("c_o", 5), ("k", 6), ("size", 1)]
)
def test_a_number_out_of_range_is_refused(name: str, value: int) -> None:
    with pytest.raises(traitlets.TraitError, match=f"'{name}' trait .* {value}"):
        ChannelsExplorer(**{name: value})


def test_a_kernel_that_does_not_fit_has_no_output_and_says_so() -> None:
    explorer = ChannelsExplorer(k=4, size=3)
    assert explorer.Y is None
    assert explorer.output_size == 0
    assert explorer.description().startswith("No output: a 4×4 kernel does not fit")
    assert "Y[" not in explorer.picture()


def test_python_moves_the_controls_and_reset_brings_them_back() -> None:
    explorer = ChannelsExplorer()
    explorer.c_i = 4
    assert explorer.controls["c_i"].value == 4
    explorer.controls["k"].value = 3
    assert explorer.k == 3
    explorer.reset()
    assert (explorer.c_i, explorer.k) == (2, 2)
    assert explorer.controls["c_i"].value == 2


def test_the_static_picture_carries_its_description() -> None:
    explorer = ChannelsExplorer()
    picture = explorer.picture()
    assert f'aria-label="{explorer.description()}"' in picture
    assert len(re.findall(r">56<", picture)) == 1
