"""Who may import whom, and who may start processes."""

import ast
import subprocess
import sys
from pathlib import Path

import autograder

HERE = Path(autograder.__file__).parent
CORE = (
    "wire outcome assignment submission names sandbox seccomp cgroups student grading"
)
CORE += " notebooks course pool progress cluster release charts report gradebook"
CORE += " exchange kernels"


def test_the_core_imports_without_torch_pytest_or_nbgrader():
    names = [n for n in CORE.split() if n not in ("exchange", "kernels")]
    code = (
        "import sys\n"
        + "".join(f"import autograder.{n}\n" for n in names)
        + "print([m for m in ('torch', 'pytest', 'nbgrader') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name.partition(".")[0] for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def importers(module):
    return {p.stem for p in HERE.glob("*.py") if module in set(imported(p))}


def test_only_the_gates_to_nbgrader_import_it():
    assert importers("nbgrader") <= {
        *("release", "gradebook", "recording", "report", "preprocessors"),
        *("exchange", "exports"),
    }


def test_only_named_files_start_processes():
    assert importers("subprocess") == {"sandbox", "containers", "release"}
    assert importers("multiprocessing") == {"pool"}


def test_nothing_unpickles():
    for module in ("pickle", "dill", "cloudpickle", "marshal", "shelve"):
        assert importers(module) == set()


def test_what_runs_inside_imports_nothing_that_stays_outside():
    from autograder.sandbox import HOST_FILES

    inside = {name.removesuffix(".py") for name in HOST_FILES}
    for name in HOST_FILES:
        for node in ast.walk(ast.parse((HERE / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "autograder"
            ):
                assert node.module.partition(".")[2] in inside
