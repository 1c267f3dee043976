"""Names that are off limits are found behind aliases."""

import pytest

from autograder.names import named

CONV = "torch.nn.functional.conv2d"
FOUND = [
    ("import torch.nn.functional as F\nF.conv2d(X, K)", CONV),
    ("from torch.nn import functional\nfunctional.conv2d(X, K)", CONV),
    ("from torch.nn.functional import conv2d as c\nc(X, K)", CONV),
    ("import torch\nf = torch.nn.functional\nf.conv2d(X, K)", CONV),
    ("import torch\ngetattr(torch.nn.functional, 'conv2d')(X, K)", CONV),
    ("import torch\nc = torch.nn.functional.conv2d\nc(X, K)", CONV),
    (
        "def f(X):\n    from torch.nn import functional as g\n    return g.conv2d(X)",
        CONV,
    ),
    ("x.y().conv2d(3)", "*.conv2d"),
    ("from anywhere import conv2d", "*.conv2d"),
    ("import course_lib\ncourse_lib.corr2d(X, K)", "course_lib"),
    ("from course_lib import corr2d", "course_lib.corr2d"),
]


@pytest.mark.parametrize(("source", "name"), FOUND, ids=lambda s: s[:30])
def test_a_name_is_found(source, name):
    assert named([name], [source])


NOT_FOUND = [
    "def conv2d_by_hand(X): ...",
    "# F.conv2d\n'torch.nn.functional.conv2d'",
    "conv2d = 1",
    "import torch\ntorch.nn.functional.unfold(X, 2)",
    "def f(:",
]


@pytest.mark.parametrize("source", NOT_FOUND)
def test_what_only_looks_like_it_is_not(source):
    assert named([CONV, "course_lib"], [source]) == []


def test_aliases_of_the_setup_cells_count():
    assert named(["course_lib.corr2d"], ["d2l.corr2d(X)"], ["import course_lib as d2l"])
