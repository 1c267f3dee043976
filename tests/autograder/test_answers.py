"""Every wrong answer loses exactly what it breaks; every right one gets full marks.

An answer is a plain Python file in ``submissions/<assignment>/{wrong,right}/``. It
begins with comment lines: ``# breaks:`` names the function that is wrong, ``# hint:``
words that the feedback must contain, ``# way:`` what a right answer does differently. A
line ``# %% name`` begins the answer cell of that name, ``# %% extra`` a cell of the
student's own; without such lines, the file is the answer cell of the function that it
breaks. Answers that a file leaves out are the model's.

``python tests/autograder/test_answers.py corr2d [word]`` prints the kill matrix: which
check fails on which answer.
"""

from __future__ import annotations

import functools
import pathlib
import re
import sys
import tempfile
from dataclasses import dataclass, field

import nbformat
import pytest

from autograder import assignment, grading
from autograder.outcome import CheckResult, Outcome, Result, State
from autograder.sandbox import Sandbox
from autograder.testing import notebook_of

SUBMISSIONS = pathlib.Path(__file__).parent / "submissions"

#: assignment -> how many wrong and right answers there must be at least
AT_LEAST = {"corr2d": (40, 12), "pool2d": (35, 12), "lenet": (50, 12)}


@dataclass(frozen=True)
class Answer:
    """One file of the corpus."""

    assignment: str
    path: pathlib.Path
    breaks: str = ""  # the function that is wrong; nothing for a right answer
    hint: str = ""
    cells: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.assignment}-{self.path.parent.name}-{self.path.stem}"

    __hash__ = object.__hash__


def read(path: pathlib.Path) -> Answer:
    """Read one file of the corpus."""
    text = path.read_bytes().decode()  # line ends as they are
    parts = re.split(r"^# %% (\w+)\r?\n", text, flags=re.MULTILINE)
    header = dict(re.findall(r"^# (\w+): (.*?)\r?$", parts[0], re.MULTILINE))
    breaks = header.get("breaks", "")
    cells = list(zip(parts[1::2], parts[2::2], strict=True)) or [(breaks, text)]
    name = path.parent.parent.name
    return Answer(name, path, breaks, header.get("hint", ""), cells)


ANSWERS = [read(path) for path in sorted(SUBMISSIONS.glob("*/*/*.py"))]


def of(name: str, kind: str) -> list[Answer]:
    """Return the wrong or the right answers of an assignment."""
    return [a for a in ANSWERS if (a.assignment, a.path.parent.name) == (name, kind)]


def each(kind: str) -> pytest.MarkDecorator:
    """Parametrise by answer; those of one assignment share one sandbox."""
    rows = [
        pytest.param(answer, marks=pytest.mark.xdist_group(f"answers-{name}"))
        for name in AT_LEAST
        for answer in of(name, kind)
    ]
    return pytest.mark.parametrize("answer", rows, ids=str)


BY_ASSIGNMENT = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.xdist_group(f"answers-{n}")) for n in AT_LEAST],
)


# --- grading, as for a student --------------------------------------------------------


@functools.cache
def sandbox() -> Sandbox:
    """Start the sandbox that all answers of this process share."""
    return Sandbox()


@functools.cache
def task(name: str) -> assignment.Assignment:
    """Read an assignment once."""
    return assignment.load(name)


@pytest.fixture(scope="module", autouse=True)
def _close_the_sandbox():
    yield
    if sandbox.cache_info().currsize:
        sandbox().close()
        sandbox.cache_clear()
    graded.cache_clear()


def notebook(answer: Answer) -> nbformat.NotebookNode:
    """Build the notebook that a student with these cells would submit."""
    given = {name: text for name, text in answer.cells if name != "extra"}
    submitted = notebook_of(answer.assignment, given)
    ids = [c.metadata.get("nbgrader", {}).get("grade_id") for c in submitted.cells]
    at = 0
    for name, text in answer.cells:
        if name == "extra":
            cell = nbformat.v4.new_code_cell(text, id=f"extra-{at}")
            submitted.cells.insert(at, cell)
            ids.insert(at, None)
        else:
            at = ids.index(name)
        at += 1
    return submitted


@functools.cache
def graded(answer: Answer) -> Result:
    """Grade an answer's notebook file in the sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, f"{answer.assignment}.ipynb")
        nbformat.write(notebook(answer), path)
        subject = task(answer.assignment)
        return grading.grade_notebook(path, subject, sandbox(), student=str(answer))


def lost(result: Result) -> dict[str, float]:
    """Return the points that each function lost, if any."""
    cells = result.by_cell().items()
    gaps = {cell: sum(c.max_points - c.points for c in own) for cell, own in cells}
    return {cell: points for cell, points in gaps.items() if points}


def story(checks: list[CheckResult]) -> str:
    """Return what the student reads about the checks that did not pass."""
    return "\n".join(
        f"{c.outcome} {c.name}: {c.message} | {c.hint}"
        for c in checks
        if c.outcome is not Outcome.PASSED
    )


# --- the gate -------------------------------------------------------------------------


@pytest.mark.sandbox
@each("wrong")
def test_a_wrong_answer_loses_points_on_what_it_breaks_and_nowhere_else(answer):
    result = graded(answer)
    assert result.state is State.GRADED, result.reason
    text = story(result.checks)
    assert set(lost(result)) == {answer.breaks}, text
    assert answer.hint.lower() in text.lower()


@pytest.mark.sandbox
@each("right")
def test_a_right_answer_gets_full_marks(answer):
    result = graded(answer)
    assert result.state is State.GRADED, result.reason
    assert not lost(result), story(result.checks)
    assert result.score == result.max_score > 0


@pytest.mark.sandbox
@BY_ASSIGNMENT
def test_every_check_catches_something(name):
    results = [graded(a) for a in (*of(name, "wrong"), *of(name, "right"))]
    checks = [c for result in results for c in result.checks]
    failed = {c.name for c in checks if c.outcome is Outcome.FAILED}
    assert failed == {c.name for c in checks}


@pytest.mark.sandbox
@BY_ASSIGNMENT
def test_one_mistake_gives_few_messages(name):
    """Dependencies between checks leave the first cause, not its consequences."""
    for answer in of(name, "wrong"):
        failed = [c for c in graded(answer).checks if c.outcome is Outcome.FAILED]
        scored = [c for c in failed if c.max_points or answer.breaks == c.cell]
        assert 1 <= len(scored) <= 3, f"{answer}\n{story(scored)}"


@pytest.mark.parametrize("name", AT_LEAST)
def test_the_corpus_is_large_enough(name):
    wrong, right = of(name, "wrong"), of(name, "right")
    assert (len(wrong), len(right)) >= AT_LEAST[name]
    assert len(right) >= AT_LEAST[name][1]
    assert sum(bool(a.hint) for a in wrong) >= len(wrong) / 2
    answers = task(name).answers
    assert {a.breaks for a in wrong} == set(answers)
    assert all(set(answers) == {c for c, _ in a.cells} - {"extra"} for a in right)


# --- the kill matrix ------------------------------------------------------------------

SIGNS = {
    Outcome.PASSED: "·",
    Outcome.FAILED: "x",
    Outcome.SKIPPED: "-",
    Outcome.GRADER_ERROR: "?",
}


def kill_matrix(name: str, word: str = "") -> None:
    """Print one line for each answer, one column for each check, then the legend."""
    results = {}
    for kind in ("wrong", "right"):
        print(f"\n{name}: {kind}")
        for answer in of(name, kind):
            if word in str(answer):
                result = results[answer] = graded(answer)
                row = "".join(SIGNS[c.outcome] for c in result.checks)
                right = set(lost(result)) == ({answer.breaks} - {""})
                told = answer.hint.lower() in story(result.checks).lower()
                good = right and told and result.state is State.GRADED
                note = "" if good else "  <<< not as stated"
                print(f"{row}  {answer.path.stem}{note}")
                if not good or word:
                    print(f"{result.state} {result.reason}\n{story(result.checks)}\n")
    print("\nkills  only killer of  check")
    for number, check in enumerate(next(iter(results.values())).checks):
        killed = [a for a, r in results.items() if _killed(r.checks[number])]
        alone = [a for a in killed if sum(map(_killed, results[a].checks)) == 1]
        print(f"{len(killed):5}  {len(alone):14}  {check.name}")


def _killed(check: CheckResult) -> bool:
    return check.outcome is Outcome.FAILED


if __name__ == "__main__":
    try:
        kill_matrix(*sys.argv[1:])
    finally:
        sandbox().close()
