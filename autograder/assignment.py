"""An assignment: its cells and their roles, from MyST or from a released notebook."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

PACKAGE = Path(__file__).parent

#: nbgrader's cell metadata, complete; an author names only what differs
DEFAULTS = {
    "schema_version": 3,
    "grade": False,
    "solution": False,
    "locked": False,
    "task": False,
}

HIDDEN = """\
### BEGIN HIDDEN TESTS
raise RuntimeError(
    "Not graded: the hidden checks of this course run outside the notebook. "
    "Use this course's own nbgrader_config.py, or `python -m autograder grade`."
)
### END HIDDEN TESTS"""


class AssignmentError(Exception):
    """An assignment that cannot be released or graded as it is written."""


@dataclass(frozen=True)
class Cell:
    """One cell of an assignment.

    ``role`` is ``"setup"`` (run before the answers), ``"answer"`` (code, graded by
    checks), ``"tests"`` (the grade cell of an answer), ``"written"`` (by hand) or
    ``"text"`` (everything else).
    """

    id: str
    role: str
    type: str
    source: str
    points: float = 0.0


@dataclass(frozen=True)
class Assignment:
    """A named sequence of cells."""

    name: str
    cells: tuple[Cell, ...]

    def of(self, *roles: str) -> list[Cell]:
        """Return the cells that have one of these roles, in order."""
        return [c for c in self.cells if c.role in roles]

    @property
    def answers(self) -> list[str]:
        """The ids of the answers: the names of the functions to be written."""
        return [c.id for c in self.of("answer")]

    def answer_of(self, tests: str) -> str:
        """Return the answer that the grade cell ``tests`` belongs to."""
        return tests.removeprefix("test_")

    def owner(self, check: str) -> str:
        """Return the answer that a check belongs to: the longest id it starts with."""
        stem = check.removeprefix("test_")
        owners = [a for a in self.answers if stem == a or stem.startswith(f"{a}_")]
        if not owners:
            raise AssignmentError(
                f"check {check} belongs to no answer of {self.name}: its name must "
                f"start with test_ and one of {', '.join(self.answers)}, or its points "
                "marker must name the cell"
            )
        return max(owners, key=len)

    @property
    def optimizes(self) -> bool:
        """Whether an answer will want an optimiser: the task, not an answer, tells."""
        return any("optim" in c.source for c in self.cells)

    @property
    def points(self) -> dict[str, float]:
        """The points of each answer's grade cell."""
        return {self.answer_of(c.id): c.points for c in self.of("tests")}


def from_notebook(name: str, notebook: NotebookNode) -> Assignment:
    """Read the cells and their roles from a notebook in nbgrader's format."""
    cells = []
    for index, cell in enumerate(notebook.cells):
        meta = cell.metadata.get("nbgrader", {})
        cells.append(
            Cell(
                id=meta.get("grade_id") or f"cell-{index}",
                role=_role(cell, meta),
                type=cell.cell_type,
                source=cell.source,
                points=float(meta.get("points", 0) or 0),
            )
        )
    assignment = Assignment(name, tuple(cells))
    _complain(assignment)
    return assignment


def _role(cell: NotebookNode, meta: Mapping[str, Any]) -> str:
    code = cell.cell_type == "code"
    if meta.get("solution") and code and not meta.get("grade"):
        return "answer"
    if meta.get("solution"):
        return "written"
    if meta.get("grade") and code:
        return "tests"
    return "setup" if code and "setup" in cell.metadata.get("tags", ()) else "text"


def _complain(assignment: Assignment) -> None:
    ids = [c.id for c in assignment.cells]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise AssignmentError(f"{assignment.name}: grade_id {twice} stands twice")
    for tests in assignment.of("tests"):
        if assignment.answer_of(tests.id) not in assignment.answers:
            raise AssignmentError(
                f"{assignment.name}: grade cell {tests.id} belongs to no answer; it "
                f"must be named test_ and one of {', '.join(assignment.answers)}"
            )
    for answer in assignment.answers:
        if not answer.isidentifier():
            raise AssignmentError(
                f"{assignment.name}: an answer's grade_id is the name of its function; "
                f"{answer!r} is none"
            )


# --- MyST sources ---------------------------------------------------------------------


def sources() -> Path:
    """Return the folder of the assignments: ``$AUTOGRADER_ASSIGNMENTS`` or the own."""
    return Path(os.environ.get("AUTOGRADER_ASSIGNMENTS", PACKAGE / "assignments"))


def checks() -> Path:
    """Return the folder of the hidden checks: ``$AUTOGRADER_CHECKS`` or the own."""
    return Path(os.environ.get("AUTOGRADER_CHECKS", PACKAGE / "checks"))


def names() -> list[str]:
    """Return the names of all assignments."""
    return sorted(p.stem for p in sources().glob("*/*.md") if p.stem == p.parent.name)


def source_path(name: str) -> Path:
    """Return the MyST source of an assignment."""
    path = sources() / name / f"{name}.md"
    if not path.is_file():
        none = "none at all (the installed package brings none: work in a clone of "
        none += "the course, or set AUTOGRADER_ASSIGNMENTS and AUTOGRADER_CHECKS)"
        raise AssignmentError(
            f"there is no assignment {name!r}, but: {', '.join(names()) or none}"
        )
    return path


def checks_path(name: str) -> Path:
    """Return the hidden checks of an assignment."""
    path = checks() / f"test_{name}.py"
    if not path.is_file():
        raise AssignmentError(f"the checks of {name} are missing: {path.name}")
    return path


def read_source(name: str) -> NotebookNode:
    """Read the MyST source as an nbgrader source notebook.

    Metadata is completed, ids are the grade ids (so that two builds are equal), and
    each grade cell gets a hidden region that raises: plain nbgrader, which does not
    know the checks, then gives zero and says why instead of full marks.
    """
    import jupytext

    text = source_path(name).read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="md:myst")
    notebook.metadata.pop("jupytext", None)
    used: set[str] = set()
    for cell in notebook.cells:
        _complete(cell)
        cell["id"] = _stable_id(cell, used)
    nbformat.validate(notebook)
    return notebook


def _complete(cell: NotebookNode) -> None:
    given = cell.metadata.get("nbgrader")
    if given is None:
        return
    meta = {**DEFAULTS, **given}
    tests = meta["grade"] and not meta["solution"]
    if tests:
        meta["locked"] = True
    if tests and cell.cell_type == "code" and "HIDDEN TESTS" not in cell.source:
        cell.source = f"{cell.source.rstrip()}\n{HIDDEN}"
    cell.metadata["nbgrader"] = meta


def _stable_id(cell: NotebookNode, used: set[str]) -> str:
    meta = cell.metadata.get("nbgrader", {})
    digest = hashlib.sha256(f"{cell.cell_type}{cell.source}".encode()).hexdigest()[:8]
    base = str(meta.get("grade_id") or digest)
    wanted = re.sub("[^A-Za-z0-9_-]", "-", base)[:60]
    number = 2
    chosen = wanted
    while chosen in used:
        chosen, number = f"{wanted}-{number}", number + 1
    used.add(chosen)
    return chosen


def load(name: str) -> Assignment:
    """Read an assignment from its MyST source, model solutions included."""
    return from_notebook(name, read_source(name))
