"""The sizes that explorers compute in JavaScript, against course_lib.geometry."""

import random
from typing import Any

import pytest

from course_lib import geometry
from tests.course_lib.widgets.javascript import call_javascript

CASES = 3_000


def _settings(seed: int) -> list[tuple[int, int, dict[str, Any]]]:
    draw = random.Random(seed)
    return [
        (
            draw.randint(1, 40),
            draw.randint(1, 9),
            {
                "padding": (draw.randint(0, 6), draw.randint(0, 6)),
                "stride": draw.randint(1, 6),
                "dilation": draw.randint(1, 4),
            },
        )
        for _ in range(CASES)
    ]


def _or(function: Any, n: int, k: int, nothing: Any, **options: Any) -> Any:
    """Return the value, or what JavaScript says where Python raises: nothing fits."""
    try:
        return function(n, k, **options)
    except ValueError:
        return nothing


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_output_sizes_agree_with_python(ceil_mode: bool) -> None:
    settings = _settings(1)
    calls = [
        ("outputSize", [n, k, {**options, "ceilMode": ceil_mode}])
        for n, k, options in settings
    ]
    expected = [
        _or(geometry.output_size, n, k, 0, ceil_mode=ceil_mode, **options)
        for n, k, options in settings
    ]
    assert 0 in expected
    assert call_javascript("geometry.js", calls) == expected


def test_dropped_positions_agree_with_python() -> None:
    settings = _settings(2)
    expected = [
        _or(geometry.unused, n, k, n + sum(options["padding"]), **options)
        for n, k, options in settings
    ]
    calls = [("unused", list(setting)) for setting in settings]
    assert call_javascript("geometry.js", calls) == expected


def test_pixel_use_agrees_with_python() -> None:
    settings = _settings(3)
    expected = [
        _or(geometry.pixel_use, n, k, [0] * n, **options) for n, k, options in settings
    ]
    calls = [("pixelUse", list(setting)) for setting in settings]
    assert call_javascript("geometry.js", calls) == expected


def test_spans_and_paddings_agree_with_python() -> None:
    pairs = [(k, d) for k in range(1, 51) for d in range(1, 41)]  # 2,000
    assert call_javascript("geometry.js", [("span", list(p)) for p in pairs]) == [
        geometry.span(*p) for p in pairs
    ]
    assert call_javascript(
        "geometry.js", [("samePadding", list(p)) for p in pairs]
    ) == [list(geometry.same_padding(*p)) for p in pairs]
    totals = list(range(2_000))
    assert call_javascript("geometry.js", [("splitTotal", [t]) for t in totals]) == [
        list(geometry.split_total(t)) for t in totals
    ]


def test_receptive_fields_agree_with_python() -> None:
    draw = random.Random(4)
    calls, expected = [], []
    for _ in range(CASES):
        stack = [
            geometry.Window(
                draw.randint(1, 7),
                stride=draw.randint(1, 3),
                padding=(draw.randint(0, 3), draw.randint(0, 3)),
                dilation=draw.randint(1, 3),
            )
            for _ in range(draw.randint(0, 6))
        ]
        layers = [
            {
                "k": window.kernel_size,
                "stride": window.stride,
                "padding": list(window.padding),
                "dilation": window.dilation,
            }
            for window in stack
        ]
        field = geometry.receptive_field(stack)
        calls.append(("receptiveField", [layers]))
        expected.append(
            {"size": field.size, "stride": field.stride, "start": field.start}
        )
    assert call_javascript("geometry.js", calls) == expected


def test_intervals_agree_with_python() -> None:
    draw = random.Random(5)
    calls, expected = [], []
    for _ in range(CASES):
        size, stride, start = (
            draw.randint(1, 30),
            draw.randint(1, 8),
            -draw.randint(0, 9),
        )
        unit = draw.randint(0, 20)
        field = {"size": size, "stride": stride, "start": start}
        calls.append(("interval", [field, unit]))
        expected.append(list(geometry.ReceptiveField(**field).interval(unit)))
    assert call_javascript("geometry.js", calls) == expected
