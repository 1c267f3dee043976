"""pooling.js against torch.nn.functional, number by number."""

import math
import random
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from .javascript import call_javascript

CASES_PER_OPERATION = 5000


def random_case(mode: str, rng: random.Random) -> dict[str, Any]:
    """One image and one layer, neither of them square; torch may refuse them."""
    dilation = [rng.choice([1, 1, 2, 3]) if mode == "max" else 1 for _ in "hw"]
    kernel = [rng.randint(1, 4) for _ in "hw"]
    options = {
        "mode": mode,
        "kernel": kernel,
        "stride": [rng.randint(1, 5) for _ in "hw"],
        "padding": [rng.randint(0, k // 2) for k in kernel],
        "dilation": dilation,
        "ceilMode": rng.random() < 0.5,
        "countIncludePad": rng.random() < 0.5,
    }
    height, width = rng.randint(1, 9), rng.randint(1, 9)
    # All negative in one case out of four: zero padding would show itself there.
    low, high = rng.choice([(-2, 2), (0, 1), (-3, -1), (-1, 1)])
    image = [rng.uniform(low, high) for _ in range(height * width)]
    return {"image": image, "height": height, "width": width, "options": options}


def torch_pool(case: dict[str, Any]) -> torch.Tensor:
    o = case["options"]
    image = torch.tensor(case["image"], dtype=torch.float64)
    image = image.reshape(1, 1, case["height"], case["width"])
    shared = {
        "kernel_size": o["kernel"],
        "stride": o["stride"],
        "padding": o["padding"],
        "ceil_mode": o["ceilMode"],
    }
    if o["mode"] == "max":
        return F.max_pool2d(image, dilation=o["dilation"], **shared)[0, 0]
    return F.avg_pool2d(image, count_include_pad=o["countIncludePad"], **shared)[0, 0]


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_five_thousand_random_layers_give_torchs_numbers(mode: str) -> None:
    rng = random.Random(f"pool {mode}")
    cases: list[dict[str, Any]] = []
    expected: list[torch.Tensor] = []
    while len(cases) < CASES_PER_OPERATION:
        case = random_case(mode, rng)
        try:
            answer = torch_pool(case)
        except RuntimeError:  # no window fits: what PyTorch refuses is tested below
            continue
        if answer.numel():
            cases.append(case)
            expected.append(answer)

    answers = call_javascript(
        "pooling.js",
        [
            ("poolImage", [c["image"], c["height"], c["width"], c["options"]])
            for c in cases
        ],
    )

    for case, answer, wanted in zip(cases, answers, expected, strict=True):
        assert (answer["height"], answer["width"]) == tuple(wanted.shape), case
        # JSON has no infinity: a window with nothing but padding comes back as null.
        values = [-math.inf if v is None else v for v in answer["values"]]
        got = torch.tensor(values, dtype=torch.float64).reshape(wanted.shape)
        torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


def test_javascript_refuses_exactly_what_torch_refuses() -> None:
    rng = random.Random("refusals")
    cases = [random_case(rng.choice(["max", "avg"]), rng) for _ in range(3000)]
    for case in cases[::2]:  # half of them get a padding that may be too large
        case["options"]["padding"] = [rng.randint(0, 5), rng.randint(0, 5)]

    def refused(case: dict[str, Any]) -> bool:
        try:
            torch_pool(case)
        except RuntimeError:
            return True
        return False

    problems = call_javascript(
        "pooling.js",
        [("poolProblem", [c["height"], c["width"], c["options"]]) for c in cases],
    )
    wanted = [refused(case) for case in cases]
    assert [bool(problem) for problem in problems] == wanted
    assert 500 < sum(wanted) < 2500  # both answers are well represented


def test_the_winner_is_the_cell_that_gets_torchs_gradient() -> None:
    rng = random.Random("winners")
    for _ in range(20):
        case = random_case("max", rng)
        image = torch.tensor(case["image"], dtype=torch.float64, requires_grad=True)
        try:
            pooled = torch_pool({**case, "image": case["image"]})
        except RuntimeError:
            continue
        units = [(i, j) for i in range(pooled.shape[0]) for j in range(pooled.shape[1])]
        answers = call_javascript(
            "pooling.js",
            [
                (
                    "poolWindow",
                    [
                        case["image"],
                        case["height"],
                        case["width"],
                        i,
                        j,
                        case["options"],
                    ],
                )
                for i, j in units
            ],
        )
        o = case["options"]
        live = F.max_pool2d(
            image.reshape(1, 1, case["height"], case["width"]),
            o["kernel"], o["stride"], o["padding"], o["dilation"], o["ceilMode"],
        )[0, 0]  # fmt: skip
        for (i, j), answer in zip(units, answers, strict=True):
            (gradient,) = torch.autograd.grad(live[i, j], image, retain_graph=True)
            if answer["winner"] is None:  # nothing but padding: minus infinity
                assert live[i, j].item() == -math.inf
                continue
            row, column = answer["winner"]
            assert gradient.argmax().item() == row * case["width"] + column
            assert answer["value"] == live[i, j].item()


def test_ties_go_to_the_first_cell_in_reading_order() -> None:
    (answer,) = call_javascript(
        "pooling.js", [("poolWindow", [[1, 1, 1, 1], 2, 2, 0, 0, {"kernel": [2, 2]}])]
    )
    assert answer["winner"] == [0, 0]


def test_an_average_says_what_it_divides_by() -> None:
    layer = {"mode": "avg", "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1]}
    ones = [1.0] * 16
    padded, own = call_javascript(
        "pooling.js",
        [
            ("poolWindow", [ones, 4, 4, 0, 0, layer]),
            ("poolWindow", [ones, 4, 4, 0, 0, {**layer, "countIncludePad": False}]),
        ],
    )
    assert (padded["divisor"], len(padded["cells"])) == (9, 4)
    assert (own["divisor"], own["value"]) == (4, 1)


@pytest.mark.parametrize(
    ("size", "options", "sentence"),
    [
        ((2, 5), {"kernel": [3, 3]}, "No window fits: the height 2"),
        ((9, 9), {"kernel": [3, 3], "padding": [0, 2]}, "half of the window's width 3"),
        ((9, 9), {"kernel": [2, 2], "mode": "median"}, '"max" or "avg", not "median"'),
        ((9, 9), {"kernel": [2, 2], "mode": "avg", "dilation": [2, 1]}, "no dilation"),
        ((9, 9), {"kernel": [2, 2], "stride": [1, 0]}, "stride along the width is 0"),
    ],
    ids=["no window", "padding", "mode", "dilated average", "stride"],
)  # fmt: skip
def test_a_refusal_names_the_number_that_is_wrong(
    size: tuple[int, int], options: dict[str, Any], sentence: str
) -> None:
    problem, thrown = call_javascript(
        "pooling.js",
        [
            ("poolProblem", [*size, options]),
            ("poolImage", [[0.0] * (size[0] * size[1]), *size, options]),
        ],
    )
    assert sentence in problem
    assert thrown == {"error": problem}
