"""The kernel explorer's values in Python, and its own JavaScript."""

from typing import Any

import pytest
import torch
import traitlets
from torch.nn import functional as F

from course_lib.widgets.kernel_explorer import KERNEL_NAMES, KernelExplorer, resize
from tests.course_lib.widgets.javascript import call_javascript


def _torch_output(explorer: KernelExplorer) -> torch.Tensor:
    X = torch.tensor(explorer.image, dtype=torch.float64)
    K = torch.tensor(explorer.kernel, dtype=torch.float64)
    if explorer.operation == "convolution":
        K = K.flip(0, 1)
    return F.conv2d(X[None, None], K[None, None])[0, 0]  # (H', W')


@pytest.mark.parametrize("operation", ["cross-correlation", "convolution"])
@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@pytest.mark.parametrize("image", ["edges", "boot", "landscape"])
def test_the_output_is_torchs(image: str, kernel: str, operation: str) -> None:
    explorer = KernelExplorer(image, kernel, operation=operation)
    expected = _torch_output(explorer)
    assert explorer.output_size == tuple(expected.shape)
    torch.testing.assert_close(
        torch.tensor(explorer.output, dtype=torch.float64), expected
    )


def test_the_books_edges_come_out_plus_one_and_minus_one() -> None:
    output = KernelExplorer().output
    assert output == [[0, 1, 0, 0, 0, -1, 0]] * 6


def test_the_transposed_image_has_no_edge_for_the_same_kernel() -> None:
    image = torch.tensor(KernelExplorer().image).T
    assert KernelExplorer(image).output == [[0.0] * 5] * 8


def test_image_and_kernel_may_be_tensors() -> None:
    X = torch.arange(9.0).reshape(3, 3) / 8
    explorer = KernelExplorer(X, torch.arange(4.0).reshape(1, 1, 2, 2))
    expected = torch.tensor([[19.0, 25.0], [37.0, 43.0]]) / 8
    torch.testing.assert_close(torch.tensor(explorer.output), expected)
    assert explorer.controls["image_index"].index == 3  # "your own"
    assert explorer.controls["kernel_index"].index == 7


def test_the_learned_preset_can_be_the_weight_of_a_trained_layer() -> None:
    layer = torch.nn.Conv2d(1, 1, (1, 2), bias=False)
    explorer = KernelExplorer(kernel="learned", learned=layer.weight)
    assert explorer.kernel == layer.weight[0, 0].tolist()


def test_choosing_presets_in_python_changes_kernel_size_and_controls() -> None:
    explorer = KernelExplorer()
    explorer.kernel_index = 1
    assert explorer.kernel == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert (explorer.kernel_height, explorer.kernel_width) == (3, 3)
    assert explorer.controls["kernel_height"].value == 3
    explorer.image_index = 1
    assert len(explorer.image) == 28
    assert explorer.output_size == (26, 26)


def test_resizing_in_python_makes_the_kernel_the_readers_own() -> None:
    explorer = KernelExplorer(kernel="identity")
    explorer.kernel_height = 5
    assert [row[1] for row in explorer.kernel] == [0, 0, 1, 0, 0]
    assert explorer.kernel_index == 7
    assert explorer.output_size == (2, 6)


def test_assigning_a_preset_is_recognised_as_that_preset() -> None:
    explorer = KernelExplorer()
    explorer.kernel = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert explorer.kernel_index == KERNEL_NAMES.index("identity")


def test_reset_brings_back_image_and_kernel() -> None:
    explorer = KernelExplorer("boot", "blur")
    explorer.image_index, explorer.kernel_index, explorer.kernel_width = 0, 2, 7
    explorer.operation = "convolution"
    explorer.reset()
    assert len(explorer.image) == 28
    assert explorer.kernel == [[1 / 9] * 3] * 3
    assert explorer.kernel_width == 3
    assert explorer.operation == "cross-correlation"


def test_a_kernel_larger_than_the_image_gives_no_output() -> None:
    explorer = KernelExplorer(kernel=[[1.0]] * 7)
    assert explorer.output_size == (0, 8)
    assert explorer.output == []
    assert "gives a 0 × 8 output" in explorer.description()
    assert explorer.picture().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"image": "waldo"},
            ValueError,
            "image is 'waldo'; pass a matrix or one of 'edges'",
        ),
        ({"kernel": "sobel"}, ValueError, "kernel is 'sobel'; .*'sobel vertical'"),
        ({"operation": "conv"}, ValueError, "operation is 'conv'; choose one of"),
        ({"image": [[0, 255]]}, traitlets.TraitError, "image has values from 0 to 255"),
        ({"image": [[0.0] * 33]}, traitlets.TraitError, "image is 1 × 33; at most 32"),
        ({"kernel": [[1.0] * 8]}, traitlets.TraitError, "kernel is 1 × 8; at most 7"),
        ({"kernel": [1, -1]}, traitlets.TraitError, "kernel is not a matrix"),
        ({"learned": [[float("inf")]]}, traitlets.TraitError, "not finite"),
    ],
)
def test_bad_arguments_are_named(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        KernelExplorer(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [("kernel_height", 0), ("kernel_width", 8), ("image_index", 4), ("row", -1)],
)
def test_values_out_of_range_are_refused_later_too(name: str, value: int) -> None:
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(KernelExplorer(), name, value)


def test_kernels_are_resized_alike_in_python_and_javascript() -> None:
    kernels = [
        [[1.0, -1.0]],
        [[1.0], [2.0], [3.0]],
        [[0.25, 0.25], [0.25, 0.25]],
        [[float(3 * r + c) for c in range(3)] for r in range(4)],
    ]
    cases = [
        (kernel, h, w) for kernel in kernels for h in range(1, 8) for w in range(1, 8)
    ]
    answers = call_javascript(
        "kernel_explorer.js", [("resizeKernel", list(case)) for case in cases]
    )
    assert answers == [resize(*case) for case in cases]


def test_growing_a_kernel_and_shrinking_it_again_gives_it_back() -> None:
    kernel = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    for height, width in [(3, 4), (6, 7), (5, 3), (7, 6)]:
        assert resize(resize(kernel, height, width), 2, 3) == kernel


@pytest.mark.parametrize(
    ("pixels", "weights", "text"),
    [
        ([1, 0], [1, -1], "1·1 + 0·(−1)"),
        ([0.5], [2], "0.5·2"),
        ([0] * 10, [1] * 10, "the sum of 10 products"),
    ],
)
def test_the_sum_is_written_out_while_it_is_short(
    pixels: list[float], weights: list[float], text: str
) -> None:
    calls = [("sumInWords", [pixels, weights])]
    assert call_javascript("kernel_explorer.js", calls) == [text]


def test_transposing_swaps_rows_and_columns() -> None:
    calls = [("transposed", [[[1, 2, 3], [4, 5, 6]]])]
    assert call_javascript("kernel_explorer.js", calls) == [[[1, 4], [2, 5], [3, 6]]]
