"""Grade source texts as if they were a submission, for tests of assignments."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from functools import cache
from typing import Any

from nbformat import NotebookNode

from autograder import grading
from autograder.assignment import Assignment, load, read_source
from autograder.notebooks import visible
from autograder.outcome import Result
from autograder.sandbox import Sandbox
from autograder.submission import Submission


@cache
def _assignment(name: str) -> Assignment:
    return load(name)


@cache
def _sandbox() -> Sandbox:
    sandbox = Sandbox()
    atexit.register(sandbox.close)
    return sandbox


def grade_answers(
    name: str, answers: Mapping[str, str], *, fill: str = "solution", student: str = ""
) -> Result:
    """Grade answers given as text; the others are model solutions, or stubs.

    Raises
    ------
    KeyError
        For an answer that the assignment does not ask for.
    """
    task = _assignment(name)
    for answer in answers:
        if answer not in task.answers:
            raise KeyError(f"{name} asks for {', '.join(task.answers)}, not {answer}")
    texts = {
        c.id: answers.get(c.id, c.source if fill == "solution" else "")
        for c in task.of("answer")
    }
    return grading.grade(Submission(answers=texts), task, _sandbox(), student=student)


def check_answers(
    name: str, answers: Mapping[str, str], **kwargs: Any
) -> dict[str, Any]:
    """Grade answers given as text and return what ``check --json`` prints."""
    return grade_answers(name, answers, **kwargs).public()


def notebook_of(
    name: str, answers: Mapping[str, str], *, fill: str = "solution"
) -> NotebookNode:
    """Return the notebook that a student with these answers would submit."""
    notebook = read_source(name)
    for cell in notebook.cells:
        cell_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = visible(cell.source)
        if cell_id in answers:
            cell.source = answers[cell_id]
        elif fill == "stub" and "BEGIN SOLUTION" in cell.source:
            cell.source = "# YOUR CODE HERE\nraise NotImplementedError()"
    return notebook
