"""Every attack of the corpus, with the outcome that it must have.

A file of ``hostile/`` is the text of one answer cell; its docstring states the score
that is left, and the state. A file of ``hostile/notebooks/`` changes a whole notebook.
"""

import inspect
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from autograder import grading
from autograder.assignment import load
from autograder.sandbox import Sandbox
from autograder.student import Budget
from autograder.submission import Submission
from autograder.testing import notebook_of

pytestmark = pytest.mark.sandbox

HERE = Path(__file__).parent / "hostile"
ATTACKS = sorted(HERE.glob("*.py"))
NOTEBOOKS = sorted(HERE.glob("notebooks/*.py"))
TOTAL = "def total(X):\n    return X.sum()"
SECONDS = 60.0  # for one attack, on a busy machine; most take less than one


@pytest.fixture(scope="module")
def task(tiny):
    return load("tiny")


@pytest.fixture(scope="module")
def hardened(tiny):
    """A sandbox of this module's own: an attack that broke it would be seen here."""
    with Sandbox() as sandbox:
        yield sandbox


def graded(task, sandbox, double):
    kept = Submission(answers={"double": double, "total": TOTAL})
    return grading.grade(
        kept, task, sandbox, student="mallory", budget=Budget(total=8, call=2, load=3)
    )


def required(text):
    """The score and the state that an attack must come to."""
    state = re.search(r"^State: (\S+)$", text, re.MULTILINE)
    score = re.search(r"^Score: (\S+)$", text, re.MULTILINE)
    return float(score[1]), state[1] if state else "graded"


@pytest.mark.parametrize("path", ATTACKS, ids=lambda p: p.stem)
def test_attack_has_its_required_outcome(path, task, hardened):
    text = path.read_text(encoding="utf-8")
    before = time.monotonic()
    result = graded(task, hardened, text)
    assert (result.score, str(result.state)) == required(text), result.reason
    assert time.monotonic() - before < SECONDS
    shown = result.dumps()
    assert "the-hidden-checks-say-this" not in shown
    assert len(shown) < 20_000
    assert not any(ord(c) < 32 for check in result.checks for c in check.message)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_changed_notebook_has_its_required_outcome(path, task, hardened, tmp_path):
    text = path.read_text(encoding="utf-8")
    namespace = {}
    exec(compile(text, str(path), "exec"), namespace)
    notebook = json.loads(nbformat.writes(notebook_of("tiny", {})))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    target = tmp_path / "tiny.ipynb"
    if "path" in inspect.signature(namespace["attack"]).parameters:
        namespace["attack"](notebook, target)
    else:
        made = namespace["attack"](notebook)
        target.write_bytes(made if isinstance(made, bytes) else _dumps(made))
    before = time.monotonic()
    result = grading.grade_notebook(target, task, hardened, student="mallory")
    score, state = required(text)
    assert (result.score, str(result.state)) == (score, state), result.reason
    assert result.max_score == 5
    assert time.monotonic() - before < SECONDS


def _dumps(notebook):
    return json.dumps(notebook).encode()


def test_an_honest_answer_is_graded_alike_before_and_after_the_attacks(task, hardened):
    honest = "def double(X):\n    return X + X"
    with Sandbox() as untouched:
        alone = graded(task, untouched, honest)
    assert graded(task, hardened, honest).dumps() == alone.dumps()
    assert alone.score == 5


def test_no_process_of_a_student_is_left(hardened):
    hardened.room().close()
    (bwrap,) = _children(hardened._process.pid)
    space = os.readlink(f"/proc/{bwrap}/ns/mnt")
    assert _living(space)
    hardened.close()
    until = time.monotonic() + 20
    while _living(space) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _living(space)


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _living(space):
    """The processes in a sandbox or in a room of it, by their process namespace."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns" / "mnt") == space:
                found.append(process.name)
        except OSError:
            continue
    return found


def test_the_corpus_states_an_outcome_for_every_attack():
    for path in ATTACKS + NOTEBOOKS:
        assert re.search(r"^Score: \d", path.read_text(), re.MULTILINE), path.name


def test_no_attack_is_ever_imported_by_a_test_run():
    """Collection with ``--doctest-modules`` would run it outside of every sandbox."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--co", "-q", str(HERE.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "test_hostile.py::" in done.stdout
    assert "hostile/" not in done.stdout
