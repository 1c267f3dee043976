"""Where we plug into nbgrader: its preprocessor lists, its exporter, its collection.

``nbgrader autograde`` first *sanitizes* (here: rebuilds from the release), then
*autogrades* (here: shows what the trusted checks found). The scores come from the
result, not from anything that a notebook printed.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from traitlets import Bool

from autograder import grading, notebooks
from autograder import submission as submissions
from autograder.course import Course
from autograder.outcome import Result, State
from autograder.release import check_nbgrader, released_copy
from autograder.sandbox import Sandbox
from autograder.submission import Unreadable

Resources = dict[str, Any]


def _who(resources: Resources) -> tuple[str, str]:
    """Return assignment and student that nbgrader is at."""
    about = resources["nbgrader"]
    return about["assignment"], about["student"]


def _course(trusted: bool = False) -> Course:
    """Return the course: nbgrader changes into its folder before it converts."""
    return Course(Path(), trusted=trusted)


class BlindExporter(NotebookExporter):
    """Reads no submitted notebook: ``RebuildFromRelease`` does that, more carefully."""

    def from_filename(
        self, filename: str, resources: Any = None, **kw: Any
    ) -> tuple[Any, Any]:
        """Start from an empty notebook where the file is a student's."""
        coursedir = getattr(self.parent, "coursedir", None)
        if coursedir and coursedir.submitted_directory in Path(filename).parts:
            empty = nbformat.v4.new_notebook()
            return self.from_notebook_node(empty, resources=resources, **kw)
        return super().from_filename(filename, resources=resources, **kw)


class RebuildFromRelease(NbGraderPreprocessor):
    """Replaces the submitted notebook by the released one with the answers in it."""

    def preprocess(
        self, nb: NotebookNode, resources: Resources
    ) -> tuple[NotebookNode, Resources]:
        """Rebuild; an unreadable submission becomes the release, without answers."""
        check_nbgrader()
        name, student = _who(resources)
        course = _course()
        release = nbformat.read(released_copy(name, course.root), as_version=4)
        task = course.task(name)
        try:
            kept = submissions.read(
                course.submitted(name, student), task, course.root / "submitted"
            )
        except Unreadable as error:
            self.log.warning("%s: unreadable: %s", student, error)
            return release, resources
        for warning in kept.warnings:
            self.log.warning("%s: %s", student, warning)
        return notebooks.rebuilt(release, task, kept), resources


class TrustedChecks(NbGraderPreprocessor):
    """Shows in the notebook what the hidden checks found, graded now or before."""

    trust_submissions = Bool(
        False,
        help="Run without a sandbox: every line of the students' code is trusted.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: Resources
    ) -> tuple[NotebookNode, Resources]:
        """Put outputs and feedback into the notebook and the result at hand."""
        name, student = _who(resources)
        course = _course(self.trust_submissions)
        sandbox = _sandbox(self.trust_submissions)
        result, shown = course.result(name, student, sandbox)
        if result.state is not State.GRADED:
            self.log.warning("%s: %s: %s", student, result.state, result.reason)
        resources["autograder"] = result
        return shown, resources


@cache
def _sandbox(trusted: bool) -> Sandbox:
    """One warm sandbox for all the notebooks that this process grades."""
    sandbox = Sandbox(trusted=trusted)
    atexit.register(sandbox.close)
    return sandbox


class SaveTrustedGrades(SaveAutoGrades):
    """Writes the trusted scores into the gradebook; older ones never survive."""

    def preprocess(
        self, nb: NotebookNode, resources: Resources
    ) -> tuple[NotebookNode, Resources]:
        """Forget earlier scores, then write the new ones."""
        name, student = _who(resources)
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            notebook = resources["nbgrader"]["notebook"]
            submitted = gradebook.find_submission_notebook(notebook, name, student)
            for grade in submitted.grades:
                grade.auto_score = None
                grade.needs_manual_grade = True
            gradebook.db.commit()
        self.task = _course().task(name)
        return super().preprocess(nb, resources)

    def _add_score(self, cell: NotebookNode, resources: Resources) -> None:
        """Take the score of a test cell from the result; a person decides the rest."""
        result: Result = resources["autograder"]
        if not self._is_test(cell):
            super()._add_score(cell, resources)
            return
        grade = self.gradebook.find_grade(
            cell.metadata["nbgrader"]["grade_id"],
            self.notebook_id,
            self.assignment_id,
            self.student_id,
        )
        answer = self.task.answer_of(cell.metadata["nbgrader"]["grade_id"])
        grade.auto_score = grading.points_of(result, answer)
        grade.needs_manual_grade = (
            grade.auto_score is None
            or grade.manual_score is not None
            or result.state.needs_person
        )
        self.gradebook.db.commit()

    @staticmethod
    def _is_test(cell: NotebookNode) -> bool:
        return bool(
            cell.cell_type == "code"
            and utils.is_grade(cell)
            and not utils.is_solution(cell)
        )
