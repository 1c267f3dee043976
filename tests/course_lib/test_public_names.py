"""The names that the pages, the outline's listings and other packages rely on."""

import ast
import inspect
import pkgutil
from pathlib import Path

import pytest

import course_lib

CONTRACT = {
    "convolution": [
        "corr2d",
        "Conv2D",
        "corr2d_multi_in",
        "corr2d_multi_in_out",
        "corr2d_multi_in_out_1x1",
        "conv2d_true",
        "corr2d_unfolded",
        "corr2d_multi_in_unfolded",
        "corr2d_multi_in_out_unfolded",
    ],
    "pooling": ["pool2d", "pool2d_unfolded"],
    "geometry": [
        "output_size",
        "output_shape",
        "span",
        "same_padding",
        "split_total",
        "unused",
        "pixel_use",
        "pixel_use_2d",
        "Window",
        "ReceptiveField",
        "receptive_field",
    ],
    "lenet": ["LeNet", "init_xavier", "cost_ledger", "Ledger", "LayerCost"],
    "data": [
        "load_data_fashion_mnist",
        "fashion_mnist",
        "fashion_mnist_sample",
        "FashionMNIST",
        "LABELS",
        "text_labels",
    ],
    "training": ["accuracy", "evaluate_accuracy_gpu", "train_ch6", "History"],
    "devices": ["try_gpu", "try_all_gpus", "cpu_quota", "limit_threads"],
    "meters": ["Accumulator", "Timer"],
    "plotting": ["Animator", "show", "show_images", "heatmap"],
    "widgets": [
        "KernelExplorer",
        "PaddingStrideExplorer",
        "ChannelsExplorer",
        "PoolingExplorer",
        "ReceptiveFieldExplorer",
        "LeNetExplorer",
        "LearnedKernelLab",
        "Quiz",
        "RunsExplorer",
    ],
}
NAMES = [(home, name) for home, names in CONTRACT.items() for name in names]
OURS = [
    (home, name)
    for home, name in NAMES
    if home in {"convolution", "pooling", "geometry", "lenet", "devices", "meters"}
]


def imports_for_type_checkers():
    """Read which names the TYPE_CHECKING block of the package imports from where."""
    tree = ast.parse(Path(course_lib.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    return {
        (node.module.removeprefix("course_lib").lstrip("."), alias.name)
        for node in block.body
        for alias in node.names
    }


@pytest.mark.parametrize(("home", "name"), NAMES)
def test_every_name_of_the_contract_is_reachable_from_the_top(home, name):
    module = getattr(course_lib, home)
    assert getattr(course_lib, name) is getattr(module, name)
    assert course_lib._HOME[name] == home


def test_all_three_lists_of_names_agree_with_the_contract():
    modules = set(CONTRACT)
    assert set(course_lib.__all__) == {name for _, name in NAMES} | modules
    assert len(set(course_lib.__all__)) == len(course_lib.__all__)
    assert set(course_lib._HOME.items()) == {(name, home) for home, name in NAMES}
    assert imports_for_type_checkers() == {*NAMES, *(("", name) for name in modules)}


def test_every_module_of_the_package_is_named():
    found = {module.name for module in pkgutil.iter_modules(course_lib.__path__)}
    commands = {"doctor"}  # run with -m, not imported by readers
    public = {name for name in found if not name.startswith("_")}
    assert public == set(CONTRACT) | commands


def test_dir_lists_every_name_before_it_was_used():
    assert set(course_lib.__all__) <= set(dir(course_lib))
    assert dir(course_lib) == sorted(dir(course_lib))


def test_a_wrong_name_says_where_to_look():
    with pytest.raises(
        AttributeError,
        match=r"^module 'course_lib' has no attribute 'corr3d'; dir\(course_lib\) "
        "lists what it has$",
    ):
        course_lib.corr3d
    assert not hasattr(course_lib, "corr3d")
    with pytest.raises(ImportError, match="cannot import name 'corr3d'"):
        exec("from course_lib import corr3d")


@pytest.mark.parametrize(("home", "name"), OURS)
def test_every_public_docstring_has_a_page_and_its_objects_an_example(home, name):
    thing = getattr(course_lib, name)
    text = inspect.getdoc(thing)
    assert ":doc:`/book/" in text
    summary = text.splitlines()[0]
    assert summary.endswith((".", "+ 1."))
    if name != "LayerCost":  # the ledger's example shows it
        assert ">>> " in text


@pytest.mark.parametrize(("home", "name"), OURS)
def test_the_pages_that_docstrings_name_exist(home, name):
    root = Path(course_lib.__file__).parents[1]
    text = inspect.getdoc(getattr(course_lib, name))
    pages = [part.split("`")[0] for part in text.split(":doc:`/")[1:]]
    assert pages
    for page in pages:
        assert (root / f"{page}.md").is_file()
