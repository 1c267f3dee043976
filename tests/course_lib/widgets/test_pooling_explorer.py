"""PoolingExplorer: what changes before and after pooling, in Python and in the page."""

import random
from typing import Any

import pytest
import torch
import traitlets
from torch import nn

from course_lib.widgets import PoolingExplorer
from course_lib.widgets.pooling_explorer import PICTURES

from .javascript import call_javascript

STEM = "pooling_explorer.js"


def test_the_minus_one_edge_vanishes_under_maximum_pooling() -> None:
    explorer = PoolingExplorer(pool_size=2, stride=1)
    assert explorer.pooled[0].tolist() == [1, 1, 0, 0, 0, 0]
    explorer.mode_index = 1
    assert explorer.pooled[0].tolist() == [0.5, 0.5, 0, 0, -0.5, -0.5]
    explorer.mode_index, explorer.absolute = 0, True
    assert explorer.pooled[0].tolist() == [1, 1, 0, 0, 1, 1]


def test_a_shift_by_one_changes_fewer_cells_after_pooling() -> None:
    assert PoolingExplorer().changed == (24, 10)


@pytest.mark.parametrize("image", [*PICTURES.values()], ids=[*PICTURES])
@pytest.mark.parametrize("shift", [-3, -1, 0, 2])
def test_python_and_javascript_shift_alike(image: Any, shift: int) -> None:
    rows = image()
    explorer = PoolingExplorer(rows, shift=shift)
    flat = [value for row in rows for value in row]
    (shifted,) = call_javascript(
        STEM, [("shiftColumns", [flat, len(rows), len(rows[0]), shift])]
    )
    before = [abs(a - b) > 1e-6 for a, b in zip(flat, shifted, strict=True)]
    (changed,) = call_javascript(STEM, [("changedCells", [flat, shifted])])
    assert changed == before
    assert explorer.changed is not None
    assert explorer.changed[0] == sum(before)


def test_output_sizes_are_torchs_or_none_where_torch_refuses() -> None:
    rng = random.Random(5)
    explorer = PoolingExplorer()
    refused = 0
    for _ in range(400):
        for name in explorer.controls:
            trait = explorer.traits()[name]
            if isinstance(trait, traitlets.Bool):
                setattr(explorer, name, rng.random() < 0.5)
            elif trait.max is not None and trait.max < 10:
                setattr(explorer, name, rng.randint(trait.min, trait.max))
        explorer.image_index = rng.randrange(len(PICTURES))
        window = (explorer.pool_h, explorer.pool_w)
        stride = (explorer.stride_h, explorer.stride_w)
        padding = (explorer.pad_h, explorer.pad_w)
        layer = (nn.MaxPool2d, nn.AvgPool2d)[explorer.mode_index]
        pool = layer(window, stride, padding, ceil_mode=explorer.ceil_mode)
        image = torch.tensor(explorer.image)[None]
        try:
            wanted = tuple(pool(image).shape[1:])
        except RuntimeError:
            wanted = None
            refused += 1
        assert explorer.output_size == wanted
    assert 20 < refused < 380


CALLS = [
    ({"mode": "max", "kernel": [2, 2]}, "nn.MaxPool2d(2)"),
    ({"mode": "max", "kernel": [2, 2], "stride": [1, 1]}, "nn.MaxPool2d(2, stride=1)"),
    (
        {"mode": "max", "kernel": [2, 3], "padding": [0, 1], "ceilMode": True},
        "nn.MaxPool2d((2, 3), padding=(0, 1), ceil_mode=True)",
    ),
    (
        {"mode": "avg", "kernel": [3, 3], "padding": [1, 1], "countIncludePad": False},
        "nn.AvgPool2d(3, padding=1, count_include_pad=False)",
    ),
    (
        {"mode": "max", "kernel": [3, 3], "countIncludePad": False},
        "nn.MaxPool2d(3)",
    ),
]


@pytest.mark.parametrize(("layer", "line"), CALLS, ids=[line for _, line in CALLS])
def test_the_line_of_pytorch_is_what_one_would_write(
    layer: dict[str, Any], line: str
) -> None:
    full = {
        "stride": layer["kernel"],
        "padding": [0, 0],
        "ceilMode": False,
        "countIncludePad": True,
        **layer,
    }
    assert call_javascript(STEM, [("poolCall", [full])]) == [line]
    eval(line, {"nn": nn})  # torch takes it


def test_the_formula_says_when_ceil_mode_drops_its_last_window() -> None:
    layer = {"kernel": [1, 1], "stride": [3, 3], "padding": [0, 0], "mode": "max"}
    floor, ceil = call_javascript(
        STEM,
        [
            ("sizeFormula", [0, 5, {**layer, "ceilMode": False}]),
            ("sizeFormula", [0, 5, {**layer, "ceilMode": True}]),
        ],
    )
    assert floor == "height ⌊(5 + 2·0 − 1) / 3⌋ + 1 = 2"
    assert ceil == (
        "height ⌈(5 + 2·0 − 1) / 3⌉ + 1 − 1 "
        "(its last window would hold nothing but padding) = 2"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "median"}, r'mode is "max" or "avg", not \'median\''),
        ({"image": [[1.0] * 17]}, r"1 to 16 rows and columns; got shape \(1,\)"),
        ({"image": torch.zeros(1, 4, 4)}, r"two axes .* got shape \(1, 4, 4\)"),
        ({"image": [[1.0], [1.0, 2.0]]}, "two axes"),
        ({"pool_size": (1, 2, 3)}, r"pool_size is one number or \(down, across\)"),
    ],
    ids=["mode", "too wide", "three axes", "ragged", "three numbers"],
)
@pytest.mark.usefixtures("as_readers_see_it")
def test_an_argument_out_of_range_says_what_would_have_worked(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PoolingExplorer(**values)


@pytest.mark.parametrize(
    ("values", "trait"),
    [
        ({"pool_size": 6}, "pool_h"),
        ({"stride": (1, 0)}, "stride_w"),
        ({"padding": 3}, "pad_h"),
        ({"shift": 4}, "shift"),
    ],
)
def test_a_number_out_of_range_is_refused(values: dict[str, Any], trait: str) -> None:
    with pytest.raises(traitlets.TraitError, match=f"'{trait}' trait"):
        PoolingExplorer(**values)


def test_an_image_that_does_not_exist_is_refused() -> None:
    explorer = PoolingExplorer()
    with pytest.raises(traitlets.TraitError, match="image_index=3 must be 0 to 2"):
        explorer.image_index = 3


def test_an_own_image_joins_the_built_in_ones() -> None:
    explorer = PoolingExplorer(torch.eye(5), mode="avg")
    assert explorer.image == torch.eye(5).tolist()
    assert explorer.output_size == (4, 4)
    assert explorer.controls["image_index"].options[0] == "your image"


def test_a_stride_of_none_is_the_windows_size() -> None:
    assert PoolingExplorer(pool_size=3, stride=None).stride_h == 3


def test_python_moves_the_controls_and_reset_brings_them_back() -> None:
    explorer = PoolingExplorer()
    explorer.mode_index = 1
    assert explorer.controls["mode_index"].value == "average"
    explorer.controls["shift"].value = -2
    assert explorer.shift == -2
    explorer.reset()
    assert (explorer.mode, explorer.shift) == ("max", 1)


@pytest.mark.parametrize("pad", [0, 2])
def test_the_static_picture_carries_its_description(pad: int) -> None:
    explorer = PoolingExplorer(padding=pad)
    assert f'aria-label="{explorer.description()}"' in explorer.picture()
    assert (explorer.output_size is None) == (pad == 2)
    assert ("torch refuses" in explorer.description()) == (pad == 2)
