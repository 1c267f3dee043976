"""The outline's own code runs on course_lib and gives what the outline says."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import course_lib
from course_lib import data, training
from course_lib.data import FashionMNIST, fashion_mnist_sample

LISTINGS = Path(__file__).with_name("outline_listings.md").read_text("utf-8")

# What the outline takes from its library; every name must be there.
BORROWED = sorted(set(re.findall(r"\bd2l\.(\w+)", LISTINGS)))


def run(section, capsys):
    """Run all listings of a section; return its names and its printed lines."""
    (text,) = re.findall(
        rf"^## {re.escape(section)} .*?(?=^## |\Z)", LISTINGS, re.DOTALL | re.MULTILINE
    )
    listings = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert listings
    names = {}
    for number, listing in enumerate(listings, start=1):
        exec(compile(listing, f"<{section}, listing {number}>", "exec"), names)
    return names, capsys.readouterr().out.splitlines()


def shown(section, number):
    """The tensor that the outline shows in the ``number``-th string of a section."""
    texts = re.findall(r'"""\n(tensor.*?)\n"""', LISTINGS.split(section)[1], re.DOTALL)
    return eval(texts[number].replace("tensor", "torch.tensor"))


@pytest.fixture
def few_images(monkeypatch):
    """The bundled sample, cut to five batches of 256, in place of the full data."""

    def load(splits, root):
        samples = [fashion_mnist_sample(split) for split in splits]
        return [
            FashionMNIST(s.images[:1280], s.labels[:1280], s.source) for s in samples
        ]

    monkeypatch.setattr(data, "_load", load)


def test_every_name_that_the_outline_borrows_is_in_course_lib():
    assert BORROWED == [
        "Accumulator",
        "Animator",
        "Timer",
        "accuracy",
        "corr2d",
        "load_data_fashion_mnist",
        "try_gpu",
    ]
    for name in BORROWED:
        assert callable(getattr(course_lib, name))


def test_section_6_2_image_convolution(capsys):
    torch.manual_seed(0)
    names, printed = run("6.2", capsys)
    X, Y, K = names["X"], names["Y"], names["K"]
    assert torch.equal(X.reshape(6, 8), shown("6.2.3", 0))
    assert torch.equal(Y.reshape(6, 7), shown("6.2.3", 1))
    assert torch.equal(names["corr2d"](X.reshape(6, 8), K), Y.reshape(6, 7))
    # An edge from top to bottom is invisible to this kernel after transposing.
    assert not names["corr2d"](X.reshape(6, 8).T, K).any()
    layer = names["Conv2D"]((1, 2))
    assert layer(X.reshape(6, 8)).shape == (6, 7)

    losses = [float(line.rpartition(" ")[2]) for line in printed]
    assert [line.partition(",")[0] for line in printed] == [
        f"epoch {i}" for i in (2, 4, 6, 8, 10)
    ]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5
    learned = names["conv2d"].weight.detach().reshape(1, 2)
    assert torch.allclose(learned, K, atol=0.15)


def test_section_6_4_channels(capsys):
    names, _ = run("6.4", capsys)
    X = torch.stack([torch.arange(9.0), torch.arange(1.0, 10)]).reshape(2, 3, 3)
    K = torch.stack([torch.arange(4.0), torch.arange(1.0, 5)]).reshape(2, 2, 2)
    assert names["corr2d_multi_in"](X, K).tolist() == [[56, 72], [104, 120]]
    many = torch.stack((K, K + 1, K + 2))
    Y = names["corr2d_multi_in_out"](X, many)
    assert Y.tolist() == [
        [[56, 72], [104, 120]],
        [[76, 100], [148, 172]],
        [[96, 128], [192, 224]],
    ]
    ours = course_lib.corr2d_multi_in_out(X, many)
    assert torch.equal(ours, Y)
    torch.manual_seed(0)
    X, K = torch.randn(3, 3, 3), torch.randn(2, 3, 1, 1)
    torch.testing.assert_close(
        names["corr2d_multi_in_out_1x1"](X, K), names["corr2d_multi_in_out"](X, K)
    )


def test_section_6_5_pooling(capsys):
    names, printed = run("6.5", capsys)
    assert printed[0] == "tensor([[[[10.]]]])"
    assert "".join(printed[1:]).replace(" ", "") == "tensor([[[[5.,7.],[13.,15.]]]])"
    # The name pool2d is taken by the layer in 6.5.2; the function is our own.
    assert isinstance(names["pool2d"], nn.MaxPool2d)
    X = torch.arange(9.0).reshape(3, 3)
    assert course_lib.pool2d(X, (2, 2)).tolist() == [[4, 5], [7, 8]]
    assert course_lib.pool2d(X, (2, 2), "avg").tolist() == [[2, 3], [5, 6]]


SHAPES = """\
Conv2d output shape:  torch.Size([1, 6, 28, 28])
Sigmoid output shape:  torch.Size([1, 6, 28, 28])
AvgPool2d output shape:  torch.Size([1, 6, 14, 14])
Conv2d output shape:  torch.Size([1, 16, 10, 10])
Sigmoid output shape:  torch.Size([1, 16, 10, 10])
AvgPool2d output shape:  torch.Size([1, 16, 5, 5])
Flatten output shape:  torch.Size([1, 400])
Linear output shape:  torch.Size([1, 120])
Sigmoid output shape:  torch.Size([1, 120])
Linear output shape:  torch.Size([1, 84])
Sigmoid output shape:  torch.Size([1, 84])
Linear output shape:  torch.Size([1, 10])
"""

RESULTS = re.compile(
    r"loss (\d\.\d{3}), train acc (0\.\d{3}), test acc (0\.\d{3})\n"
    r"(\d+\.\d) examples/sec on (cpu|mps|cuda:0)\n"
)


def test_section_6_6_lenet(capsys, few_images):
    torch.manual_seed(0)
    _, printed = run("6.6", capsys)
    text = "".join(f"{line}\n" for line in printed)
    assert text.startswith(SHAPES)
    device = course_lib.try_gpu()
    rest = text.removeprefix(SHAPES)
    assert rest.startswith(f"training on {device}\n")
    found = RESULTS.fullmatch(rest.removeprefix(f"training on {device}\n"))
    assert found
    assert found[5] == str(device)
    # Ten epochs of five steps leave sigmoids near chance: ln 10 = 2.303.
    assert 2.25 < float(found[1]) < 2.45


def test_the_librarys_own_train_ch6_is_a_drop_in_for_the_listing(capsys, few_images):
    torch.manual_seed(0)
    theirs, printed = run("6.6", capsys)
    torch.manual_seed(0)
    net = course_lib.LeNet()
    torch.rand(1, 1, 28, 28)  # the listing draws its test image here
    train_iter, test_iter = course_lib.load_data_fashion_mnist(batch_size=256)
    history = training.train_ch6(net, train_iter, test_iter, 10, 0.9, "cpu")
    ours = RESULTS.search(capsys.readouterr().out)
    result = RESULTS.search("\n".join([*printed, ""]))
    assert ours[1] == f"{history.train_loss[-1]:.3f}"
    assert float(ours[1]) == pytest.approx(float(result[1]), abs=1.01e-3)
    for mine, its in zip(net.parameters(), theirs["net"].parameters(), strict=True):
        torch.testing.assert_close(mine, its, atol=1e-4, rtol=1e-3)


def test_names_can_also_be_imported_one_by_one():
    names = {}
    exec(f"from course_lib import {', '.join(BORROWED)}", names)
    assert set(BORROWED) <= set(names)
