"""The padding and stride explorer: every combination agrees with torch."""

import random
from typing import Any

import pytest
import torch
import traitlets
from torch import nn
from torch.nn import functional as F

from course_lib.widgets.padding_stride_explorer import PaddingStrideExplorer
from tests.course_lib.widgets.javascript import call_javascript


def _random_values(count: int, seed: int) -> list[dict[str, int]]:
    draw = random.Random(seed)
    ranges = {
        **dict.fromkeys(["height", "width"], (1, 16)),
        **dict.fromkeys(["kernel_height", "kernel_width"], (1, 7)),
        **dict.fromkeys(["top", "bottom", "left", "right"], (0, 4)),
        **dict.fromkeys(["stride_height", "stride_width"], (1, 5)),
        **dict.fromkeys(["dilation_height", "dilation_width"], (1, 3)),
    }
    return [
        {name: draw.randint(*ends) for name, ends in ranges.items()}
        for _ in range(count)
    ]


def _set(explorer: PaddingStrideExplorer, values: dict[str, int]) -> None:
    for name, value in values.items():
        setattr(explorer, name, value)


def _run(code: str, height: int, width: int) -> tuple[int, int]:
    """Run the printed lines on an input of that size and return the output's."""
    names: dict[str, Any] = {"nn": nn, "F": F, "X": torch.zeros(1, 1, height, width)}
    *before, call = code.split("\n")
    exec("\n".join(before), names)
    with torch.no_grad():
        return tuple(eval(call, names)(names["X"]).shape[2:])


@pytest.fixture(scope="module")
def explorer() -> PaddingStrideExplorer:
    """One explorer for many settings; making one takes far longer than setting it."""
    return PaddingStrideExplorer()


def test_the_printed_lines_give_the_displayed_size_or_torchs_error(
    explorer: PaddingStrideExplorer,
) -> None:
    outcomes = {True: 0, False: 0}
    for values in _random_values(500, seed=1):
        _set(explorer, values)
        fits = 0 not in explorer.output_size
        outcomes[fits] += 1
        if fits:
            assert _run(explorer.code, *explorer.size) == explorer.output_size
        else:
            with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
                _run(explorer.code, *explorer.size)
    assert min(outcomes.values()) > 50


def test_javascript_states_the_same_facts_and_prints_the_same_lines(
    explorer: PaddingStrideExplorer,
) -> None:
    settings = _random_values(2_000, seed=2)
    module = "padding_stride_explorer.js"
    facts = call_javascript(module, [("factsOf", [s]) for s in settings])
    lines = call_javascript(module, [("torchCode", [both]) for both in facts])
    for values, (down, across), code in zip(settings, facts, lines, strict=True):
        _set(explorer, values)
        assert (down["size"], across["size"]) == explorer.output_size
        assert (down["dropped"], across["dropped"]) == explorer.dropped
        assert code == explorer.code
        if 0 not in explorer.output_size:
            use = [[r * c for c in across["use"]] for r in down["use"]]
            assert use == explorer.pixel_use


@pytest.mark.parametrize(
    ("axis", "text"),
    [
        ((8, 3, 1, 1, 1, 1), "height: ⌊(8 − 3 + 2) / 1⌋ + 1 = ⌊7⌋ + 1 = 8"),
        ((8, 3, 1, 1, 2, 1), "height: ⌊(8 − 3 + 2) / 2⌋ + 1 = ⌊3.5⌋ + 1 = 4"),
        ((8, 5, 0, 0, 4, 1), "height: ⌊(8 − 5 + 0) / 4⌋ + 1 = ⌊0.75⌋ + 1 = 1"),
        (
            (8, 3, 2, 2, 1, 2),
            "height: ⌊(8 − 5 + 4) / 1⌋ + 1 = ⌊7⌋ + 1 = 8   "
            "(the kernel spans 5 = 2·(3 − 1) + 1)",
        ),
        (
            (3, 7, 0, 1, 2, 1),
            "height: n − k + p = 3 − 7 + 1 = −3 < 0: no window fits",
        ),
    ],
)
def test_the_formula_shows_its_numbers_and_the_floor(
    axis: tuple[int, ...], text: str
) -> None:
    module = "padding_stride_explorer.js"
    [facts] = call_javascript(module, [("axisFacts", list(axis))])
    assert call_javascript(module, [("formula", ["height", facts])]) == [text]


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"kernel_size": 3, "padding": 1, "stride": 1}, (8, 8)),
        ({"kernel_size": (5, 3), "padding": (2, 1), "stride": 1}, (8, 8)),
        ({"kernel_size": 3, "padding": 1, "stride": 2}, (4, 4)),
        ({"kernel_size": (3, 5), "padding": (0, 1), "stride": (3, 4)}, (2, 2)),
    ],
)
def test_the_sections_published_shapes_come_out(
    arguments: dict[str, Any], shape: tuple[int, int]
) -> None:
    assert PaddingStrideExplorer(8, **arguments).output_size == shape


def test_pixel_use_is_4_6_9_for_same_padding_and_9_everywhere_for_full() -> None:
    same = PaddingStrideExplorer(3, 3, padding=1, stride=1)
    assert same.pixel_use == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    full = PaddingStrideExplorer(3, 3, padding=2, stride=1)
    assert full.pixel_use == [[9] * 3] * 3
    none = PaddingStrideExplorer(2, 3, padding=0)
    assert none.pixel_use == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("total", "sides"), [(0, (0, 0)), (1, (1, 0)), (4, (2, 2)), (7, (4, 3))]
)
def test_a_total_is_split_ceil_before_floor_after(
    total: int, sides: tuple[int, int]
) -> None:
    explorer = PaddingStrideExplorer(padding=0)
    explorer.total_height = total
    explorer.total_width = total
    assert explorer.padding == (sides, sides)
    assert explorer.controls["top"].value == sides[0]


def test_the_sides_add_up_to_the_total() -> None:
    explorer = PaddingStrideExplorer(padding=((1, 0), (2, 3)))
    assert (explorer.total_height, explorer.total_width) == (1, 5)
    explorer.bottom = 4
    assert explorer.total_height == 5
    assert explorer.padding == ((1, 4), (2, 3))  # not shared out anew
    assert explorer.controls["total_height"].value == 5


def test_both_axes_are_set_at_once_as_torch_spells_them() -> None:
    explorer = PaddingStrideExplorer()
    explorer.size, explorer.kernel_size = (9, 8), (3, 5)
    explorer.stride, explorer.dilation = 3, (1, 2)
    explorer.padding = (0, 1)
    assert (explorer.size, explorer.kernel_size) == ((9, 8), (3, 5))
    assert (explorer.stride, explorer.dilation) == ((3, 3), (1, 2))
    assert explorer.padding == ((0, 0), (1, 1))
    explorer.padding = ((1, 0), (2, 3))
    assert explorer.padding == ((1, 0), (2, 3))
    with pytest.raises(ValueError, match=r"stride is \(1, 2, 3\); pass one number"):
        explorer.stride = (1, 2, 3)
    with pytest.raises(traitlets.TraitError, match="dilation_width"):
        explorer.dilation = (1, 9)


def test_reset_restores_uneven_padding() -> None:
    explorer = PaddingStrideExplorer(padding=((1, 0), (2, 3)))
    explorer.total_height, explorer.left = 9, 0
    explorer.reset()
    assert explorer.padding == ((1, 0), (2, 3))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"size": 17}, traitlets.TraitError, "height.*17"),
        ({"size": (8, 0)}, traitlets.TraitError, "width.*0"),
        ({"kernel_size": 8}, traitlets.TraitError, "kernel_height.*8"),
        ({"padding": -1}, traitlets.TraitError, "top.*-1"),
        ({"padding": (0, 10)}, traitlets.TraitError, "left.*10"),
        ({"stride": 0}, traitlets.TraitError, "stride_height.*0"),
        ({"dilation": (1, 4)}, traitlets.TraitError, "dilation_width.*4"),
        ({"stride": 1.5}, traitlets.TraitError, "stride_height"),
        ({"size": (8, 8, 8)}, ValueError, r"size is \(8, 8, 8\); pass one number"),
        ({"padding": (1, 1, 1, 1)}, ValueError, "padding is .* pass one number or a"),
    ],
)
def test_bad_arguments_are_named_with_their_value(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        PaddingStrideExplorer(**arguments)


def test_the_description_says_what_is_dropped_or_why_there_is_no_output() -> None:
    text = PaddingStrideExplorer(8, 3, padding=1, stride=2).description()
    assert "gives a 4 × 4 output; trailing rows dropped: 1" in text
    assert "no window fits" in PaddingStrideExplorer(2, 7, padding=0).description()
