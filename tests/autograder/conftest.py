"""A warm sandbox and a released course, made once for all tests of the grader."""

import shutil
import subprocess
import sys

import nbformat
import pytest

from autograder.sandbox import Sandbox
from autograder.testing import notebook_of

#: Text that only a sandbox may run: doctest collection would import it right here.
collect_ignore = ["hostile", "submissions"]

#: an assignment and checks of our own, so that a change of the course's tasks does not
#: change what the machinery is tested with
TINY = """\
---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Two small functions

```{code-cell} ipython3
:nbgrader: {grade_id: setup, locked: true}
:tags: [setup]
import torch
from torch import nn
```

```{code-cell} ipython3
:nbgrader: {grade_id: double, solution: true}
def double(X):
    ### BEGIN SOLUTION
    return 2 * X
    ### END SOLUTION
```

```{code-cell} ipython3
:nbgrader: {grade_id: test_double, grade: true, points: 3}
assert torch.equal(double(torch.ones(2)), torch.full((2,), 2.0))
```

```{code-cell} ipython3
:nbgrader: {grade_id: total, solution: true}
def total(X):
    ### BEGIN SOLUTION
    return X.sum()
    ### END SOLUTION
```

```{code-cell} ipython3
:nbgrader: {grade_id: test_total, grade: true, points: 2}
assert total(torch.ones(2)) == 2
```

Why?

+++ {"nbgrader": {"grade_id": "why", "grade": true, "solution": true, "points": 5}}

Because.
"""

TINY_CHECKS = '''\
"""Hidden checks of the assignment tiny."""

import pytest
import torch

from autograder.checking import Case, expect_close

SIZES = [Case("a row", shape=(1, 4)), Case("wide", shape=(2, 3), hint="Not square?")]
SECRET = "the-hidden-checks-say-this"


@pytest.mark.points(2)
@pytest.mark.parametrize("case", SIZES, ids=str)
def test_double_doubles_every_number(student, draw, case):
    """Every number is doubled."""
    X = draw.normal(*case.shape)
    expect_close(student.call("double", X), 2 * X, mistakes={"Squared?": X * X})


@pytest.mark.points(1)
@pytest.mark.depends("test_double_doubles_every_number")
def test_double_leaves_its_argument_alone(student, draw):
    """The argument is not changed."""
    X = draw.normal(3)
    expect_close(student.observe("double", X).inputs[0], X, hint="In place?")


@pytest.mark.points(2)
@pytest.mark.hint("All of them.")
def test_total_adds_up(student, draw):
    """The numbers are added up."""
    X = draw.normal(4, 5)
    expect_close(student.call("total", X), X.sum(), rtol=1e-4)


@pytest.mark.points(0)
def test_total_is_fast(student):
    """Advice: a sum over nothing is zero."""
    expect_close(student.call("total", torch.zeros(0)), torch.tensor(0.0))
'''


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The assignment ``tiny`` and its checks, put where ours are found.

    For one module only: others in the same process grade our own assignments.
    """
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "assignments" / "tiny").mkdir(parents=True)
    (folder / "assignments" / "tiny" / "tiny.md").write_text(TINY)
    (folder / "checks").mkdir()
    (folder / "checks" / "test_tiny.py").write_text(TINY_CHECKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_ASSIGNMENTS", str(folder / "assignments"))
        patch.setenv("AUTOGRADER_CHECKS", str(folder / "checks"))
        yield folder


@pytest.fixture(scope="session")
def sandbox():
    """One warm sandbox."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def run():
    """Run a Python module's command line, as a person types it."""
    return _run


@pytest.fixture(scope="session")
def submit():
    """Put a submission where ``nbgrader collect`` puts it."""
    return _submit


def _run(*words, cwd, check=True):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check and done.returncode:
        pytest.fail(f"{words} gave {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


@pytest.fixture(scope="module")
def released_course(tiny, tmp_path_factory):
    """A course in which ``tiny`` was released; copy it before changing it."""
    course = tmp_path_factory.mktemp("released") / "course"
    _run("autograder", "new-course", course, "--course-id", "cnn", cwd=tiny)
    _run("autograder", "release", "tiny", "--course", course, cwd=tiny)
    return course


@pytest.fixture
def course(released_course, tmp_path):
    """A released course of one's own."""
    return shutil.copytree(released_course, tmp_path / "course")


def _submit(course, student, answers=None, notebook=None):
    folder = course / "submitted" / student / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    notebook = notebook or notebook_of("tiny", answers or {})
    nbformat.write(notebook, folder / "tiny.ipynb")
    return folder / "tiny.ipynb"
