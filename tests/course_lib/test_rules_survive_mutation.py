"""Every shape rule and every error message is held by a test: change it, one fails.

For each module below, each comparison, sum, quotient, limit, condition, refusal and
piece of text is changed by itself in the syntax tree, and the module's own test file is
run against the changed module, in this process, until a test fails. A change that no
test notices is a survivor; the few that change nothing are listed with the reason.

Left out of the runs: tests that ask hypothesis for random cases (a rule must not be
held by luck) and those of the shape checker (annotations are not changed here).
"""

import ast
import importlib
import inspect
import sys
import time
import types
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

import course_lib

HERE = Path(__file__).parent

# module, the function, the change, and why no test can notice it
EQUIVALENT = {
    ("geometry", "output_shape", "True → False"): "both sequences have two entries",
    ("geometry", "_two_axes", "True → False"): "_per_axis gives two entries or raises",
    (
        "convolution",
        "corr2d_multi_in",
        "True → False",
    ): "_check has compared the counts",
    (
        "convolution",
        "_unfolded",
        "X.numel() // (H * W) → -(-X.numel() // (H * W))",
    ): "the quotient is exact",
    (
        "convolution",
        "_unfolded",
        "strip >= rows → strip > rows",
    ): "one strip joined with nothing is that strip",
    (
        "convolution",
        "_unfolded",
        "torch.is_grad_enabled() and (X.requires_grad or K.requires_grad) → "
        "torch.is_grad_enabled() or (X.requires_grad or K.requires_grad)",
    ): "without gradients both ways give the same numbers; one is quicker",
    (
        "convolution",
        "_unfolded",
        "True → False",
    ): "both are split into the same strips",
    ("lenet", "Ledger.__str__", "True → False"): "all rows have five cells",
    ("lenet", "Ledger.__str__", "0 → 1"): "all lines are equally long",
    ("lenet", "_aligned", "True → False"): "a row has a cell for each width",
    (
        "lenet",
        "_multiply_adds",
        "layer.in_channels // layer.groups → -(-layer.in_channels // layer.groups)",
    ): "torch makes layers only where the quotient is exact",
}

SWAPS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


# Changing one thing


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Give what may stand in a node's place."""
    match node:
        case ast.Compare(left, [op], comparators):
            yield ast.Compare(left, [SWAPS[type(op)]()], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(SWAPS[type(op)](), values)
        case ast.BinOp(left, ast.FloorDiv(), right):  # the ceiling: -(-a // b)
            floor = ast.BinOp(ast.UnaryOp(ast.USub(), left), ast.FloorDiv(), right)
            yield ast.UnaryOp(ast.USub(), floor)
        case ast.BinOp(left, op, right) if type(op) in SWAPS:
            yield ast.BinOp(left, SWAPS[type(op)](), right)
            if isinstance(right, ast.Constant) and right.value == 1:
                yield left
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Raise():
            yield ast.Pass()
        case ast.AugAssign(target, op, value):
            yield ast.AugAssign(target, SWAPS[type(op)](), value)
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(str(value)) if value:
            yield ast.Constant("")
        case ast.FormattedValue():
            yield ast.Constant("?")


def places(node: ast.AST, function: str = "") -> Iterator[tuple]:
    """Give every place that holds a node: its parent, field, index and function."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        function = f"{function}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "format_spec"):
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            is_text = isinstance(child, ast.Expr) and isinstance(
                child.value, ast.Constant
            )
            if not isinstance(child, ast.AST) or is_text:  # docstrings
                continue
            yield node, field, index if isinstance(value, list) else None, function
            yield from places(child, function)


def mutants(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Change the tree in one place after another; say where and what."""
    for parent, field, index, function in list(places(tree)):
        value = getattr(parent, field)
        original = value if index is None else value[index]
        for changed in changes(original):
            ast.copy_location(changed, original)
            if index is None:
                setattr(parent, field, changed)
            else:
                value[index] = changed
            ast.fix_missing_locations(tree)
            yield function, f"{brief(original)} → {brief(changed)}", original.lineno
            if index is None:
                setattr(parent, field, original)
            else:
                value[index] = original


def brief(node: ast.AST) -> str:
    """Write a node as one line of code."""
    if isinstance(node, ast.FormattedValue):
        node = node.value
    return ast.unparse(node).split("\n")[0]


# Running a test file against a module that is not on disk


def load(name: str, tree: ast.Module, file: str) -> types.ModuleType:
    """Execute a tree as course_lib's module of this name and put it in place."""
    module = types.ModuleType(f"course_lib.{name}")
    module.__file__ = file
    sys.modules[module.__name__] = module
    setattr(course_lib, name, module)
    exec(compile(tree, file, "exec"), vars(module))
    return module


def units(test_file: types.CodeType) -> dict[str, Callable[[], None]]:
    """Import the test file anew; give each test with each of its parameters a name."""
    namespace = {"__name__": "the_tests", "__file__": test_file.co_filename}
    exec(test_file, namespace)
    found = {}
    for name, test in namespace.items():
        if not name.startswith("test_") or "shape_checker" in name:
            continue
        if hasattr(test, "hypothesis"):
            continue
        marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
        for place, values in enumerate(product(*(mark.args[1] for mark in marks))):
            arguments: dict[str, object] = {}
            for mark, value in zip(marks, values, strict=True):
                names = mark.args[0]
                if isinstance(names, str):
                    arguments[names] = value
                else:
                    arguments.update(zip(names, value, strict=True))
            found[f"{name}[{place}]"] = runner(test, arguments)
    return found


def runner(test: Callable, arguments: dict[str, object]) -> Callable[[], None]:
    """Bind a test to its parameters, and to monkeypatch if it asks for it."""

    def run() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            wanted = inspect.signature(test).parameters
            extra = {"monkeypatch": monkeypatch} if "monkeypatch" in wanted else {}
            test(**arguments, **extra)

    return run


def is_noticed(test_file: types.CodeType, order: list[str]) -> bool:
    """Tell whether a test fails, or the test file cannot even be imported."""
    try:
        tests = units(test_file)
        for name in order:
            tests[name]()
    except (Exception, pytest.fail.Exception):
        return True
    return False


MODULES = ["geometry", "convolution", "pooling", "lenet"]


@pytest.fixture
def put_back() -> Iterator[None]:
    before = {name: importlib.import_module(f"course_lib.{name}") for name in MODULES}
    yield
    for name, module in before.items():
        sys.modules[f"course_lib.{name}"] = module
        setattr(course_lib, name, module)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.usefixtures("put_back")
def test_no_change_of_a_rule_or_a_message_goes_unnoticed(name):
    source = Path(course_lib.__file__).parent / f"{name}.py"
    path = HERE / f"test_{name}.py"
    test_file = compile(path.read_text("utf-8"), str(path), "exec")
    tree = ast.parse(source.read_text("utf-8"))

    load(name, tree, str(source))
    seconds = {}
    for test, run in units(test_file).items():
        start = time.perf_counter()
        run()  # everything passes on the module as it is
        seconds[test] = time.perf_counter() - start
    quickest_first = sorted(seconds, key=seconds.__getitem__)

    survivors, equivalents, count = [], set(), 0
    for function, change, line in mutants(tree):
        count += 1
        try:
            load(name, tree, str(source))
        except Exception:
            continue
        if not is_noticed(test_file, quickest_first):
            if (name, function, change) in EQUIVALENT:
                equivalents.add((name, function, change))
            else:
                survivors.append(f"{name}.py:{line} in {function}: {change}")
    assert not survivors, f"{len(survivors)} of {count} changes went unnoticed:\n" + (
        "\n".join(survivors)
    )
    assert count > 50
    assert equivalents == {entry for entry in EQUIVALENT if entry[0] == name}
