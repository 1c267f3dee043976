"""Grades for a learning platform, as export plugins of nbgrader.

``nbgrader export --exporter=autograder.exports.CanvasExportPlugin`` (or another class
of this file) writes them; ``--to`` names the file, ``--assignment`` and ``--student``
choose.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins.export import ExportPlugin
from traitlets import Unicode


class _Export(ExportPlugin):
    """What the formats share: who, what, and cells that no spreadsheet can misread."""

    default_name = "grades.csv"

    def export(self, gradebook: Gradebook) -> None:
        """Write the file."""
        with open(
            self.to or self.default_name, "w", newline="", encoding="utf-8"
        ) as file:
            writer = csv.writer(file, lineterminator="\n")
            for row in self.rows(gradebook):
                writer.writerow([plain_cell(value) for value in row])
        self.log.info("Exported grades to %s", self.to or self.default_name)

    def rows(self, gradebook: Gradebook) -> Iterator[list[Any]]:
        """Yield the rows of the file."""
        raise NotImplementedError

    def students(self, gradebook: Gradebook) -> list[Any]:
        """Return the students that were asked for, all by default."""
        wanted = {str(s) for s in self.student}
        return [s for s in gradebook.students if not wanted or s.id in wanted]

    def assignments(self, gradebook: Gradebook) -> list[Any]:
        """Return the assignments that were asked for, all by default."""
        wanted = {str(a) for a in self.assignment}
        return [a for a in gradebook.assignments if not wanted or a.name in wanted]


def plain_cell(value: Any) -> Any:
    """Return a cell that a spreadsheet does not take for a formula.

    >>> plain_cell("=HYPERLINK(1)"), plain_cell(-1.5), plain_cell(None)
    ("'=HYPERLINK(1)", -1.5, '')
    """
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def score_of(gradebook: Gradebook, assignment: str, student: str) -> float | None:
    """Return the score after the late penalty; None without a submission."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return None
    return max(0.0, submission.score - submission.late_submission_penalty)


class QuotedCsvExportPlugin(_Export):
    """nbgrader's own columns, with names quoted where they need it."""

    COLUMNS = (
        "assignment duedate timestamp student_id last_name first_name email raw_score "
        "late_submission_penalty score max_score"
    ).split()

    def rows(self, gradebook: Gradebook) -> Iterator[list[Any]]:
        """Yield a heading and one row for each assignment and student."""
        yield list(self.COLUMNS)
        for assignment in self.assignments(gradebook):
            for s in self.students(gradebook):
                yield [
                    *(assignment.name, assignment.duedate),
                    *self._submission(gradebook, assignment.name, s),
                    assignment.max_score,
                ]

    def _submission(self, gradebook: Gradebook, name: str, s: Any) -> list[Any]:
        about = [s.id, s.last_name, s.first_name, s.email]
        try:
            submission = gradebook.find_submission(name, s.id)
        except MissingEntry:
            return ["", *about, 0.0, 0.0, 0.0]
        penalty = submission.late_submission_penalty
        score = max(0.0, submission.score - penalty)
        return [submission.timestamp, *about, submission.score, penalty, score]


class CanvasExportPlugin(_Export):
    """Canvas's gradebook import: five columns about the student, then assignments.

    Canvas recognises a student by "ID", its own number, else by "SIS Login ID"; the
    second row holds the points possible. An assignment column named as in Canvas is
    filled, another one is offered as new.
    """

    default_name = "canvas.csv"
    section = Unicode("", help="What to write into the column Section.").tag(
        config=True
    )

    def rows(self, gradebook: Gradebook) -> Iterator[list[Any]]:
        """Yield heading, points possible, and one row for each student."""
        assignments = self.assignments(gradebook)
        about = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
        yield [*about, *(a.name for a in assignments)]
        yield [
            "    Points Possible",
            "",
            "",
            "",
            "",
            *(a.max_score for a in assignments),
        ]
        for s in self.students(gradebook):
            names = [n for n in (s.last_name, s.first_name) if n]
            yield [
                *(", ".join(names) or s.id, s.lms_user_id, "", s.id, self.section),
                *(score_of(gradebook, a.name, s.id) for a in assignments),
            ]


class MoodleExportPlugin(_Export):
    """Moodle's grade import (CSV): a column to map to the user, then grade items.

    Moodle lets you map "Email address" or "ID number" or "Username" to its user, and
    each further column to a grade item. A missing submission is left empty, because
    Moodle reads "-" and nothing as "no grade".
    """

    default_name = "moodle.csv"

    def rows(self, gradebook: Gradebook) -> Iterator[list[Any]]:
        """Yield heading and one row for each student."""
        assignments = self.assignments(gradebook)
        about = ["Username", "ID number", "First name", "Last name", "Email address"]
        yield [*about, *(a.name for a in assignments)]
        for s in self.students(gradebook):
            yield [
                *(s.id, s.lms_user_id, s.first_name, s.last_name, s.email),
                *(score_of(gradebook, a.name, s.id) for a in assignments),
            ]
