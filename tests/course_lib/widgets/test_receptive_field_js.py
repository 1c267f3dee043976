"""receptive_field.js against gradients of torch layers and course_lib.geometry."""

import random
from typing import Any

import torch
from torch.nn import functional as F

from course_lib import geometry

from .javascript import call_javascript

CASES = 5000


def random_stack(rng: random.Random) -> list[dict[str, int]]:
    return [
        {
            "kernel": rng.randint(1, 5),
            "stride": rng.randint(1, 3),
            "padding": rng.randint(0, 3),
            "dilation": rng.randint(1, 3),
        }
        for _ in range(rng.randint(1, 4))
    ]


def random_cases(seed: str) -> list[tuple[int, list[dict[str, int]]]]:
    rng = random.Random(seed)
    return [(rng.randint(1, 40), random_stack(rng)) for _ in range(CASES)]


def run_stack(signal: torch.Tensor, stack: list[dict[str, int]]) -> torch.Tensor:
    """All-ones layers of torch: the gradient of a unit then counts the routes to it."""
    for layer in stack:
        ones = torch.ones(1, 1, layer["kernel"], dtype=signal.dtype)
        signal = F.conv1d(
            signal, ones, None, layer["stride"], layer["padding"], layer["dilation"]
        )
    return signal


def test_sizes_of_five_thousand_stacks_are_torchs() -> None:
    cases = random_cases("sizes")
    answers = call_javascript(
        "receptive_field.js", [("layerSizes", [n, s]) for n, s in cases]
    )
    for (n, stack), sizes in zip(cases, answers, strict=True):
        wanted = [n]
        for layer in stack:
            try:
                size = run_stack(torch.zeros(1, 1, wanted[-1]), [layer]).shape[-1]
            except (
                RuntimeError
            ):  # "Kernel size can't be greater than actual input size"
                size = 0
            wanted.append(size if wanted[-1] else 0)
        assert sizes == wanted, (n, stack)


def test_routes_of_five_thousand_stacks_are_the_gradient_of_all_ones_layers() -> None:
    rng = random.Random("units")
    calls: list[tuple[str, list[Any]]] = []
    wanted: list[torch.Tensor] = []
    while len(calls) < CASES:
        n, stack = rng.randint(1, 30), random_stack(rng)
        signal = torch.zeros(1, 1, n, dtype=torch.float64, requires_grad=True)
        try:
            top = run_stack(signal, stack)
        except RuntimeError:  # the stack does not fit into the input
            continue
        unit = rng.randrange(top.shape[-1])
        gradient: torch.Tensor | None = None
        (gradient,) = torch.autograd.grad(top[0, 0, unit], signal)
        wanted.append(gradient[0, 0])
        calls.append(("routeCounts", [n, stack, unit]))

    for counts, gradient in zip(
        call_javascript("receptive_field.js", calls), wanted, strict=True
    ):
        assert counts == gradient.tolist()


def test_fields_and_intervals_are_those_of_the_python_library() -> None:
    cases = random_cases("fields")
    units = [n % 7 for n, _ in cases]
    fields = call_javascript("receptive_field.js", [("fieldOf", [s]) for _, s in cases])
    intervals = call_javascript(
        "receptive_field.js",
        [
            ("fieldInterval", [s, unit])
            for (_, s), unit in zip(cases, units, strict=True)
        ],
    )
    for (_, stack), unit, field, interval in zip(
        cases, units, fields, intervals, strict=True
    ):
        wanted = geometry.receptive_field(
            [
                geometry.Window(
                    kernel_size=layer["kernel"],
                    stride=layer["stride"],
                    padding=layer["padding"],
                    dilation=layer["dilation"],
                )
                for layer in stack
            ]
        )
        assert (field["size"], field["stride"], field["start"]) == (
            wanted.size,
            wanted.stride,
            wanted.start,
        )
        assert tuple(interval) == wanted.interval(unit)


def test_every_route_starts_inside_the_field() -> None:
    cases = [(n, s) for n, s in random_cases("inside")[:1000]]
    sizes = call_javascript(
        "receptive_field.js", [("layerSizes", [n, s]) for n, s in cases]
    )
    cases = [case for case, size in zip(cases, sizes, strict=True) if size[-1]]
    routes = call_javascript(
        "receptive_field.js", [("routeCounts", [n, s, 0]) for n, s in cases]
    )
    bounds = call_javascript(
        "receptive_field.js", [("fieldInterval", [s, 0]) for _, s in cases]
    )
    for counts, (first, last) in zip(routes, bounds, strict=True):
        reached = [position for position, count in enumerate(counts) if count]
        assert all(first <= position <= last for position in reached)


def test_lenets_windows_are_5_6_14_and_16_pixels() -> None:
    conv, pool = {"kernel": 5}, {"kernel": 2, "stride": 2}
    stack = [{**conv, "padding": 2}, pool, conv, pool]
    fields = call_javascript(
        "receptive_field.js", [("fieldOf", [stack[:depth]]) for depth in range(1, 5)]
    )
    assert [field["size"] for field in fields] == [5, 6, 14, 16]
    (sizes,) = call_javascript("receptive_field.js", [("layerSizes", [28, stack])])
    assert sizes == [28, 28, 14, 10, 5]
