"""What importing course_lib does, and above all what it does not."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import course_lib

FOLDER = Path(course_lib.__file__).parent
HEAVY = ["matplotlib", "torchvision", "ipywidgets", "anywidget", "IPython", "numpy"]


@cache
def modules_after(code):
    """Run code in a fresh interpreter; return what it had loaded and printed."""
    report = "\nimport sys; print('loaded:', *sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + report],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    printed, _, loaded = done.stdout.partition("loaded: ")
    return set(loaded.split()), printed + done.stderr


def test_the_import_is_silent_and_loads_nothing_but_itself():
    before, _ = modules_after("import importlib, typing")
    after, printed = modules_after("import importlib, typing, course_lib")
    assert printed == ""
    assert after - before == {"course_lib"}


def test_geometry_is_imported_without_torch():
    loaded, printed = modules_after("from course_lib import output_size, geometry")
    assert printed == ""
    assert "torch" not in loaded
    assert not loaded & {"course_lib.convolution", "jaxtyping", *HEAVY}


@pytest.mark.parametrize(
    "code",
    [
        "from course_lib import corr2d, pool2d, LeNet, cost_ledger, init_xavier",
        "import course_lib as d2l; d2l.Timer(), d2l.try_gpu(), d2l.train_ch6, "
        "d2l.load_data_fashion_mnist",
    ],
)
def test_the_ideas_load_torch_but_neither_figures_nor_widgets(code):
    alone, _ = modules_after("import torch, jaxtyping, gzip")
    loaded, printed = modules_after(code)
    assert printed == ""
    assert "torch" in loaded
    new = {name.split(".")[0] for name in loaded - alone}
    assert not new & {*HEAVY}
    assert not {name for name in loaded if name.startswith("course_lib.widgets")}


def test_star_import_gives_every_name():
    namespace = {}
    exec("from course_lib import *", namespace)
    assert set(course_lib.__all__) <= set(namespace)


def imported(module):
    """Read the top-level packages that a module's code imports anywhere."""
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("geometry", set()),
        ("convolution", {"torch", "jaxtyping", "course_lib"}),
        ("pooling", {"torch", "jaxtyping", "course_lib"}),
        ("lenet", {"torch", "course_lib"}),
        ("devices", {"torch"}),
        ("meters", {"torch"}),
        ("_matrix_product", {"torch"}),
    ],
)
def test_an_idea_imports_only_what_the_design_allows(module, allowed):
    assert set(imported(module)) - sys.stdlib_module_names == allowed
