"""Cross-correlation: the figures' numbers, torch as the oracle, and every refusal."""

import re

import jaxtyping
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import convolution
from course_lib.convolution import (
    Conv2D,
    conv2d_true,
    corr2d,
    corr2d_multi_in,
    corr2d_multi_in_out,
    corr2d_multi_in_out_1x1,
    corr2d_multi_in_out_unfolded,
    corr2d_multi_in_unfolded,
    corr2d_unfolded,
    image_tensor,
    window_size,
)

ONE = [corr2d, corr2d_unfolded]
MULTI_IN = [corr2d_multi_in, corr2d_multi_in_unfolded]
MULTI_OUT = [corr2d_multi_in_out, corr2d_multi_in_out_unfolded]
# function, shape of an image and of a kernel it takes, for checks that fit them all
FORMS = [
    *((f, (5, 6), (2, 3)) for f in (*ONE, conv2d_true)),
    *((f, (3, 5, 6), (3, 2, 3)) for f in MULTI_IN),
    *((f, (3, 5, 6), (4, 3, 2, 3)) for f in MULTI_OUT),
    (corr2d_multi_in_out_1x1, (3, 5, 6), (4, 3, 1, 1)),
]
every_form = pytest.mark.parametrize(
    ("f", "image", "kernel"), FORMS, ids=lambda value: getattr(value, "__name__", None)
)
checked = pytest.mark.usefixtures("as_readers_see_it")


def oracle(X, K):
    """Let torch's own operator answer for every form: (c_o, H', W') or (H', W')."""
    if X.ndim == 2:
        return F.conv2d(X[None, None], K[None, None])[0, 0]
    if K.ndim == 3:
        return F.conv2d(X[None], K[None])[0, 0]
    return F.conv2d(X[None], K)[0]


def real(tensor):
    return tensor.real if tensor.is_complex() else tensor


def text(shape):
    """Write a shape as a regular expression that matches it."""
    return re.escape(str(tuple(shape)))


def counting(*shape):
    return torch.arange(float(torch.Size(shape).numel())).reshape(shape)


# The numbers of the course's figures


@pytest.mark.parametrize("f", ONE)
def test_corr2d_gives_the_figures_numbers(f):
    Y = f(counting(3, 3), counting(2, 2))
    assert Y.tolist() == [[19, 25], [37, 43]]


def test_true_convolution_flips_the_kernel_both_ways():
    assert conv2d_true(counting(3, 3), counting(2, 2)).tolist() == [[5, 11], [23, 29]]
    X, K = torch.rand(5, 7), torch.rand(2, 3)
    assert torch.equal(conv2d_true(X, K), corr2d(X, K.flip(0).flip(1)))


@pytest.mark.parametrize("f", ONE)
def test_the_edge_kernel_finds_both_vertical_edges_and_none_in_the_transposed(f):
    X = torch.ones(6, 8)
    X[:, 2:6] = 0
    K = torch.tensor([[1.0, -1.0]])
    assert f(X, K).tolist() == [[0, 1, 0, 0, 0, -1, 0]] * 6
    assert torch.equal(f(X.T, K), torch.zeros(8, 5))


@pytest.mark.parametrize("f", MULTI_IN)
def test_corr2d_multi_in_gives_the_figures_numbers(f):
    X = torch.stack([counting(3, 3), counting(3, 3) + 1])
    K = torch.stack([counting(2, 2), counting(2, 2) + 1])
    assert f(X, K).tolist() == [[56, 72], [104, 120]]


@pytest.mark.parametrize("f", MULTI_OUT)
def test_corr2d_multi_in_out_gives_the_figures_numbers(f):
    X = torch.stack([counting(3, 3), counting(3, 3) + 1])
    K = torch.stack([counting(2, 2), counting(2, 2) + 1])
    assert f(X, torch.stack([K, K + 1, K + 2])).tolist() == [
        [[56, 72], [104, 120]],
        [[76, 100], [148, 172]],
        [[96, 128], [192, 224]],
    ]


# torch as the oracle


@every_form
def test_every_form_agrees_with_torch(f, image, kernel):
    X, K = torch.rand(image), torch.rand(kernel)
    flipped = K.flip(0, 1) if f is conv2d_true else K
    torch.testing.assert_close(f(X, K), oracle(X, flipped))


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 2**16),
)
def test_loops_and_unfolded_agree_with_torch_for_all_sizes(size, share, channels, seed):
    generator = torch.Generator().manual_seed(seed)
    k_h, k_w = (1 + round(s * (n - 1)) for s, n in zip(share, size, strict=True))
    c_i, c_o = channels
    X = torch.rand(c_i, *size, generator=generator, dtype=torch.float64)
    K = torch.rand(c_o, c_i, k_h, k_w, generator=generator, dtype=torch.float64)
    for functions, x, k in (
        (ONE, X[0], K[0, 0]),
        (MULTI_IN, X, K[0]),
        (MULTI_OUT, X, K),
    ):
        for f in functions:
            torch.testing.assert_close(f(x, k), oracle(x, k))


@pytest.mark.parametrize("image", [(9, 4), (9, 9), (5, 40)])
def test_unfolding_in_strips_changes_nothing(monkeypatch, image):
    monkeypatch.setattr(convolution, "_STRIP", 40)
    X, K = torch.rand(2, *image), torch.rand(3, 2, 3, 2)
    torch.testing.assert_close(corr2d_multi_in_out_unfolded(X, K), oracle(X, K))
    K = K.requires_grad_()
    torch.testing.assert_close(corr2d_multi_in_out_unfolded(X, K), oracle(X, K))
    with torch.no_grad():
        Y = corr2d_multi_in_out_unfolded(X, K)
    torch.testing.assert_close(Y, oracle(X, K).detach())
    X, K = X.double(), K.double().requires_grad_()
    assert torch.autograd.gradcheck(corr2d_multi_in_out_unfolded, (X, K))
    X, K = X.requires_grad_(), K.detach()
    assert torch.autograd.gradcheck(corr2d_multi_in_out_unfolded, (X, K))


@pytest.mark.parametrize("size", [28, 128, 256])
@pytest.mark.parametrize("channels", [(1, 1), (3, 16), (16, 16)])
@pytest.mark.parametrize("k", [2, 5])
def test_images_of_usual_sizes_agree_with_torch(size, channels, k):
    generator = torch.Generator().manual_seed(0)
    c_i, c_o = channels
    X = torch.randn(c_i, size, size, generator=generator)
    K = torch.randn(c_o, c_i, k, k, generator=generator)
    Y = corr2d_multi_in_out_unfolded(X, K)
    assert Y.is_contiguous()
    torch.testing.assert_close(Y, oracle(X, K), rtol=1e-4, atol=1e-3)


def test_strips_are_cut_only_when_the_windows_fill_more_than_one(monkeypatch):
    sizes = []
    product = convolution._product
    monkeypatch.setattr(
        convolution,
        "_product",
        lambda A, B: (sizes.append(tuple(B.shape)), product(A, B))[1],
    )
    three_rows = 2 * 2 * 3 * 8
    monkeypatch.setattr(convolution, "_STRIP", three_rows + 1)
    corr2d_unfolded(torch.rand(4, 9), torch.rand(2, 2))
    corr2d_unfolded(torch.rand(6, 9), torch.rand(2, 2))
    assert sizes == [(4, 24), (4, 24), (4, 16)]
    sizes.clear()
    monkeypatch.setattr(convolution, "_STRIP", 1)  # a strip holds one row at least
    corr2d_unfolded(torch.rand(3, 9), torch.rand(2, 2))
    assert sizes == [(4, 8), (4, 8)]


def test_a_strip_of_float32_fills_four_mebibytes():
    assert convolution._STRIP * torch.float32.itemsize == 2**22


@pytest.mark.parametrize(
    ("dtype", "multiplied"),
    [(torch.float32, 1), (torch.complex64, 1), (torch.int64, 0), (torch.uint8, 0)],
)
def test_only_integers_do_without_a_matrix_product(monkeypatch, dtype, multiplied):
    # GPUs have none for integers: "addmm_cuda" not implemented for 'Long'
    types, matmul = [], torch.matmul
    monkeypatch.setattr(
        torch, "matmul", lambda A, B: (types.append(A.dtype), matmul(A, B))[1]
    )
    corr2d_unfolded(torch.ones(3, 3, dtype=dtype), torch.ones(2, 2, dtype=dtype))
    X, K = torch.ones(2, 3, 3, dtype=dtype), torch.ones(4, 2, 1, 1, dtype=dtype)
    corr2d_multi_in_out_1x1(X, K)
    assert types == [dtype] * 2 * multiplied


@pytest.mark.parametrize("f", [corr2d_unfolded, corr2d])
def test_views_that_are_not_contiguous_are_read_rightly(f):
    X = torch.rand(9, 8).T[::2, 1:]
    K = torch.rand(3, 2).T
    torch.testing.assert_close(f(X, K), oracle(X, K))


@pytest.mark.parametrize("c_i", [3, 16, 64])
def test_a_1x1_convolution_is_a_dense_layer_per_pixel(c_i):
    X, K = torch.rand(c_i, 3, 4), torch.rand(2, c_i, 1, 1)
    Y = corr2d_multi_in_out_1x1(X, K)
    torch.testing.assert_close(Y, corr2d_multi_in_out(X, K))
    dense = F.linear(X.permute(1, 2, 0), K[:, :, 0, 0]).permute(2, 0, 1)
    torch.testing.assert_close(Y, dense)


# Types, devices, gradients


TYPES = [
    # image, kernel, result
    (torch.float64, torch.float64, torch.float64),
    (torch.float32, torch.float64, torch.float64),
    (torch.float16, torch.float16, torch.float16),
    (torch.bfloat16, torch.bfloat16, torch.bfloat16),
    (torch.bfloat16, torch.float32, torch.float32),
    (torch.complex64, torch.float32, torch.complex64),
    (torch.complex64, torch.complex64, torch.complex64),
    (torch.int64, torch.int64, torch.int64),
    (torch.int32, torch.int32, torch.int32),
    (torch.uint8, torch.uint8, torch.uint8),
    (torch.uint8, torch.int8, torch.int16),
    (torch.uint8, torch.float32, torch.float32),
    (torch.float16, torch.int64, torch.float16),
]


@every_form
@pytest.mark.parametrize(("of_image", "of_kernel", "of_result"), TYPES, ids=str)
def test_the_result_has_torchs_promoted_type(
    f, image, kernel, of_image, of_kernel, of_result
):
    torch.manual_seed(0)
    X = torch.randint(0, 3, image).to(of_image)
    K = torch.randint(0, 3, kernel).to(of_kernel)
    Y = f(X, K)
    assert Y.dtype == of_result
    X, K, Y = (real(tensor).double() for tensor in (X, K, Y))
    assert torch.equal(Y, oracle(X, K.flip(0, 1) if f is conv2d_true else K))


@every_form
def test_an_integer_sum_that_does_not_fit_its_type_is_refused(f, image, kernel):
    X = torch.full(image, 100, dtype=torch.uint8)
    K = torch.full(kernel, 100, dtype=torch.uint8)
    total = 100 * 100 * torch.Size(kernel[-2:]).numel()
    total *= 1 if X.ndim == 2 else image[0]
    name = "corr2d" if f is conv2d_true else f.__name__
    message = (
        rf"^{name}: the result reaches from {total} to {total}, which torch.uint8 "
        r"cannot hold; convert first, for example X.to\(torch.int64\) or X.float\(\)$"
    )
    with pytest.raises(OverflowError, match=message):
        f(X, K)
    assert f(X.long(), K.long()).unique().tolist() == [total]


@pytest.mark.parametrize(
    ("pixel", "fits"), [(127, True), (128, False), (-128, True), (-129, False)]
)
def test_the_limits_of_an_integer_type_themselves_still_fit(pixel, fits):
    # two channels that cancel on the way: only the sum has to fit
    X = torch.tensor([[[100]], [[100]]], dtype=torch.int8)
    big = torch.tensor([[[100]], [[-99]]], dtype=torch.int8)
    assert corr2d_multi_in(X, big).item() == 100
    one = torch.tensor([[pixel // 2, pixel - pixel // 2]], dtype=torch.int8)
    ones = torch.ones(1, 2, dtype=torch.int8)
    for f in ONE:
        if fits:
            assert f(one, ones).item() == pixel
        else:
            with pytest.raises(OverflowError, match=rf"from {pixel} to {pixel}"):
                f(one, ones)


@every_form
def test_the_result_stays_on_the_device(f, image, kernel):
    for dtype in (torch.float32, torch.uint8):
        X = torch.ones(image, dtype=dtype, device="meta")
        K = torch.ones(kernel, dtype=dtype, device="meta")
        Y = f(X, K)
        assert (Y.device.type, Y.dtype) == ("meta", dtype)


@every_form
def test_gradients_reach_the_image_and_the_kernel(f, image, kernel):
    image = (*image[:-2], 3, 4)
    X = torch.rand(image, dtype=torch.float64, requires_grad=True)
    K = torch.rand(kernel, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (X, K), fast_mode=True)
    assert torch.autograd.gradgradcheck(f, (X, K), fast_mode=True)


@every_form
def test_nan_and_infinity_come_through_where_torch_lets_them(f, image, kernel):
    X, K = torch.rand(image), torch.rand(kernel)
    X[..., 1, 1], X[..., 4, 5] = torch.nan, torch.inf
    flipped = K.flip(0, 1) if f is conv2d_true else K
    torch.testing.assert_close(f(X, K), oracle(X, flipped), equal_nan=True)


@every_form
def test_the_arguments_are_left_as_they_were(f, image, kernel):
    X, K = torch.rand(image), torch.rand(kernel)
    before = X.clone(), K.clone()
    f(X, K)
    assert torch.equal(X, before[0])
    assert torch.equal(K, before[1])


def test_autocast_may_lower_the_precision_of_the_unfolded_twin_as_of_torchs():
    X, K = torch.rand(5, 6), torch.rand(2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        Y = corr2d_unfolded(X, K)
    torch.testing.assert_close(Y.float(), oracle(X, K), rtol=0.05, atol=0.05)


# The layer


@pytest.mark.parametrize(
    ("kernel_size", "shape"), [((1, 2), (1, 2)), (3, (3, 3)), ([2, 1], (2, 1))]
)
@checked
def test_conv2d_adds_its_bias_to_the_cross_correlation(kernel_size, shape):
    layer = Conv2D(kernel_size)
    assert layer.weight.shape == shape
    assert bool((layer.weight >= 0).all() and (layer.weight < 1).all())
    assert layer.bias.tolist() == [0]
    X = torch.rand(4, 5)
    with torch.no_grad():
        layer.bias.fill_(2)
    torch.testing.assert_close(layer(X), oracle(X, layer.weight) + 2)
    assert repr(layer) == f"Conv2D(kernel_size={shape})"


def test_conv2d_can_be_differentiated_through_its_loops():
    layer = Conv2D((2, 2))
    layer(counting(3, 3)).sum().backward()
    assert layer.weight.grad.tolist() == [[8, 12], [20, 24]]
    assert layer.bias.grad.tolist() == [4]


def test_the_layer_learns_the_edge_kernel_below_the_limit_of_the_step_size():
    torch.manual_seed(0)
    X = torch.ones(6, 8)
    X[:, 2:6] = 0
    Y = corr2d(X, torch.tensor([[1.0, -1.0]]))
    losses = {}
    for lr in (0.03, 0.034):  # the limit is 2 / 60
        layer = nn.Conv2d(1, 1, (1, 2), bias=False)
        for _ in range(200):
            loss = ((layer(X[None, None])[0, 0] - Y) ** 2).sum()
            layer.zero_grad()
            loss.backward()
            layer.weight.data -= lr * layer.weight.grad
        losses[lr] = loss.item()
    assert losses[0.03] < 1e-6
    assert losses[0.034] > 1e3


@pytest.mark.parametrize(
    ("kernel_size", "error", "message"),
    [
        ((1, 2, 3), ValueError, r"pair \(height, width\); got \(1, 2, 3\) with 3 n"),
        ((2,), ValueError, r"got \(2,\) with 1 numbers"),
        ((), ValueError, r"got \(\) with 0 numbers"),
        (0, ValueError, r"pair \(height, width\), each at least 1; got 0"),
        ((1, -2), ValueError, r"each at least 1; got \(1, -2\)"),
        (2.0, TypeError, r"a whole number or a pair \(height, width\); got 2.0"),
        ((2, "3"), TypeError, r"got \(2, '3'\)"),
        (True, TypeError, r"got True"),
        ((1, True), TypeError, r"got \(1, True\)"),
        (None, TypeError, r"got None"),
    ],
)
@checked
def test_conv2d_names_a_kernel_size_it_cannot_use(kernel_size, error, message):
    with pytest.raises(error, match=f"^Conv2D: kernel_size must be .*{message}"):
        Conv2D(kernel_size)


# Refusals


def axes_of(f, argument):
    """Write the axes that an argument needs, as the messages do."""
    if argument == "X":
        return r"\(H, W\)" if f in (*ONE, conv2d_true) else r"\(c_i, H, W\)"
    if f in (*ONE, conv2d_true):
        return r"\(k_h, k_w\)"
    if f in MULTI_IN:
        return r"\(c_i, k_h, k_w\)"
    window = "1, 1" if f is corr2d_multi_in_out_1x1 else "k_h, k_w"
    return rf"\(c_o, c_i, {window}\)"


@every_form
@checked
def test_a_wrong_rank_is_refused_with_the_axes_and_the_shape(f, image, kernel):
    for argument, shape in (("X", image), ("K", kernel)):
        names = axes_of(f, argument)
        for wrong in ((*shape, 1), shape[1:], ()):
            tensors = {"X": torch.ones(image), "K": torch.ones(kernel)}
            tensors[argument] = torch.ones(wrong)
            with pytest.raises(
                ValueError,
                match=rf"^{f.__name__}: {argument} must have {len(shape)} axes, "
                rf"{names}; got shape {text(wrong)} with {len(wrong)}$",
            ):
                f(**tensors)


@every_form
def test_under_the_shape_checker_a_wrong_rank_names_the_argument(f, image, kernel):
    with pytest.raises(jaxtyping.TypeCheckError, match=r"typechecking parameter 'X'"):
        f(torch.ones(*image, 1), torch.ones(kernel))


@every_form
@checked
def test_what_is_not_a_tensor_of_numbers_is_refused(f, image, kernel):
    X, K = torch.ones(image), torch.ones(kernel)
    for argument, tensors in (("X", (X.tolist(), K)), ("K", (X, K.tolist()))):
        with pytest.raises(
            TypeError,
            match=rf"^{f.__name__}: {argument} must be a torch tensor of shape "
            rf"{axes_of(f, argument)}; got list; torch.tensor\({argument}\) makes one$",
        ):
            f(*tensors)
    for argument, tensors in (("X", (X.bool(), K)), ("K", (X, K.bool()))):
        with pytest.raises(
            TypeError,
            match=rf"^{f.__name__}: {argument} must hold numbers; got torch.bool; "
            rf"{argument}.float\(\) or {argument}.to\(torch.uint8\) makes 0 and 1 of "
            "it$",
        ):
            f(*tensors)


@every_form
@checked
def test_different_devices_are_named(f, image, kernel):
    with pytest.raises(
        ValueError,
        match=rf"^{f.__name__}: X is on meta and K on cpu; move one, for example "
        r"K.to\(X.device\)$",
    ):
        f(torch.ones(image, device="meta"), torch.ones(kernel))


@every_form
@checked
def test_an_empty_kernel_is_refused(f, image, kernel):
    for axis in range(len(kernel)):
        empty = list(kernel)
        empty[axis] = 0
        with pytest.raises(
            ValueError,
            match=rf"^{f.__name__}: every axis of K needs at least one entry; got X "
            rf"{text(image)} and K {text(empty)}$",
        ):
            f(torch.ones(image), torch.ones(empty))


@pytest.mark.parametrize(
    ("f", "image", "kernel"), [form for form in FORMS if len(form[2]) > 2]
)
@pytest.mark.parametrize("channels", [0, 1, 2, 4])
@checked
def test_channels_that_differ_are_refused_with_both_shapes(f, image, kernel, channels):
    image = (channels, *image[1:])
    with pytest.raises(
        ValueError,
        match=rf"^{f.__name__}: X has {channels} channels but K is made for 3; got X "
        rf"{text(image)} and K {text(kernel)}, and their c_i must agree$",
    ):
        f(torch.ones(image), torch.ones(kernel))


@pytest.mark.parametrize(
    ("f", "image", "kernel"), [form for form in FORMS if form[2][-1] > 1]
)
@pytest.mark.parametrize("image_size", [(1, 3), (2, 2), (1, 9), (9, 2), (0, 3), (2, 0)])
@checked
def test_a_kernel_larger_than_the_image_even_by_one_is_refused(
    f, image, kernel, image_size
):
    image = (*image[:-2], *image_size)
    with pytest.raises(
        ValueError,
        match=rf"^{f.__name__}: the kernel must fit into the image, k_h <= H and "
        rf"k_w <= W; got X {text(image)} and K {text(kernel)}$",
    ):
        f(torch.ones(image), torch.ones(kernel))


@every_form
def test_a_kernel_as_large_as_the_image_gives_one_number(f, image, kernel):
    X = torch.ones(*image[:-2], *kernel[-2:])
    Y = f(X, torch.ones(kernel))
    assert Y.shape[-2:] == (1, 1)
    assert Y.flatten()[0] == X.numel()


@pytest.mark.parametrize("window", [(1, 2), (2, 1), (2, 2)])
@checked
def test_the_1x1_form_refuses_larger_kernels(window):
    with pytest.raises(
        ValueError,
        match=r"^corr2d_multi_in_out_1x1: the kernel must be 1×1, of shape "
        rf"\(c_o, c_i, 1, 1\); got X \(3, 4, 5\) and K {text((2, 3, *window))}; "
        "corr2d_multi_in_out takes larger kernels$",
    ):
        corr2d_multi_in_out_1x1(torch.ones(3, 4, 5), torch.ones(2, 3, *window))


@checked
def test_the_checks_that_pooling_shares_return_what_they_were_given():
    X = torch.ones(2, 3)
    assert image_tensor("f", "X", X, ("H", "W")) is X
    assert window_size("f", "size", 2) == (2, 2)
    assert window_size("f", "size", (2, 3)) == (2, 3)
    sides = window_size("f", "size", (np.int64(2), np.int8(3)))
    assert sides == (2, 3)
    assert {type(side) for side in sides} == {int}
