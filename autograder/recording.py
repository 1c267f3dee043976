"""nbgrader's ``autograde`` for a class: one open database, one commit for a batch.

nbgrader opens its database nine times a submission and commits each cell by itself.
Here the same rows and files are made from kept results: by nbgrader's own converter
where files are concerned, by its own score and comment rules and the course's late
penalty plugin where rows are. What is out of the ordinary (a configuration that changes
how notebooks are converted, rows that do not fit the release) is left to nbgrader.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import glob
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from nbformat import NotebookNode, v4
from nbgrader import api as rows
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import chdir, find_all_files, rmtree
from sqlalchemy import bindparam, insert, select, update
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from traitlets.log import get_logger

from autograder.assignment import AssignmentError
from autograder.course import Course
from autograder.outcome import Result
from autograder.preprocessors import SaveTrustedGrades
from autograder.release import CONFIG, write_atomically

OURS = {
    "exporter_class": "autograder.preprocessors.BlindExporter",
    "sanitize_preprocessors": [
        "autograder.preprocessors.RebuildFromRelease",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.CheckCellMetadata",
    ],
    "autograde_preprocessors": [
        "autograder.preprocessors.TrustedChecks",
        "autograder.preprocessors.SaveTrustedGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ],
}
#: settings that change what a conversion does, and the names in them that do not
CONVERSION: dict[str, set[str]] = {
    "AssignLatePenalties": {"plugin_class"},
    "TrustedChecks": {"trust_submissions"},
    **{
        name: set()
        for name in (
            "BlindExporter CheckCellMetadata Exporter FilesWriter NbConvertBase "
            "NbGraderPreprocessor NotebookExporter OverwriteKernelspec Preprocessor "
            "RebuildFromRelease SaveAutoGrades SaveTrustedGrades WriterBase"
        ).split()
    },
}

#: errors after which nothing must be recorded as done
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def config_of(course: Course) -> Config:
    """Return nbgrader's configuration of a course."""
    config = PyFileConfigLoader(CONFIG, path=str(course.root)).load_config()
    config.TrustedChecks.trust_submissions = course.trusted
    return config


def is_ordinary(config: Config) -> bool:
    """Say whether notebooks are converted as our configuration has it."""
    if any(config.Autograde.get(key) != value for key, value in OURS.items()):
        return False
    return not any(
        set(config[section]) - harmless
        for section, harmless in CONVERSION.items()
        if section in config
    )


@dataclass
class _Sheet:
    """What one student's submission comes to."""

    result: Result
    cells: list[NotebookNode] | None = None  # None: there is no notebook
    timestamp: datetime.datetime | None = None

    @property
    def student(self) -> str:
        return self.result.student


class Recorder:
    """Writes results of one assignment into the gradebook; use it as a context.

    Raises
    ------
    AssignmentError
        When the gradebook does not know the assignment.
    """

    def __init__(self, course: Course, name: str):
        self.course, self.name = course, name
        self.silent = logging.NullHandler()  # else warnings go to the terminal
        self.log = cast(logging.Logger, get_logger())
        self.log.addHandler(self.silent)
        config = config_of(course)
        self.api = NbGraderAPI(config=config)
        self.gradebook = self.api.gradebook
        self.db = self.gradebook.db
        self.converter = Autograde(coursedir=self.api.coursedir, parent=self.api)
        self.structure = _Structure.read(self.db, name)
        self.batched = is_ordinary(config) and self.structure.one_notebook

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.removeHandler(self.silent)
        self.gradebook.close()

    def record(self, results: Sequence[Result]) -> None:
        """Write files and rows of some students; the rows in one transaction."""
        alone = list(results)
        if self.batched:
            with chdir(str(self.course.root)):
                sheets = [self._files(result) for result in results]
            alone = _Rows(self, sheets).write()
        for result in alone:
            self._one(result)

    # --- nbgrader itself, for what is out of the ordinary ---

    def _one(self, result: Result) -> None:
        """Let nbgrader do one student, as its command and the formgrader do."""
        self.db.remove()  # no transaction of ours must be open
        done = self.api.autograde(self.name, result.student, force=True, create=True)
        if not done["success"]:  # a folder without the notebook, for instance
            _Rows(self, [_Sheet(result)]).write()

    # --- files ---

    def _files(self, result: Result) -> _Sheet:
        """Make the autograded folder: supporting files, notebook, permissions."""
        convert, name, student = self.converter, self.name, result.student
        text = self.course.notebook(name, student, result.key).read_text("utf-8")
        source = convert._format_source(name, student)
        convert.notebooks = sorted(glob.glob(f"{glob.escape(source)}/*.ipynb"))
        convert.force = True
        sheet = _Sheet(result)
        try:
            if not convert.notebooks or not convert.init_destination(name, student):
                return sheet
            with self._hooks(student):
                BaseConverter.init_assignment(convert, name, student)
                sheet.timestamp = self.api.coursedir.get_existing_timestamp(source)
                self._source_files(student)
                if Path(source, f"{name}.ipynb") in map(Path, convert.notebooks):
                    self._notebook(student, text)
                    sheet.cells = v4.reads(text).cells
            if sheet.cells:
                return sheet
        except Exception as error:  # a broken link beside the notebook, for instance
            if getattr(error, "errno", None) in OF_THE_DISK:
                raise
        # As nbgrader does after an error: nothing that is half done remains.
        if os.path.exists(place := convert._format_dest(name, student)):
            rmtree(place)
        return sheet

    @contextlib.contextmanager
    def _hooks(self, student: str) -> Iterator[None]:
        directory = self.api.coursedir
        before = directory.assignment_id, directory.student_id
        directory.assignment_id, directory.student_id = self.name, student
        try:
            self.converter.run_pre_convert_hook()
            yield
            self.converter.set_permissions(self.name, student)
            self.converter.run_post_convert_hook()
        finally:
            directory.assignment_id, directory.student_id = before

    def _source_files(self, student: str) -> None:
        """Put the instructor's supporting files over the student's."""
        convert, directory = self.converter, self.api.coursedir
        place = Path(convert._format_dest(self.name, student))
        source = directory.format_path(directory.source_directory, ".", self.name)
        kept = convert.exclude_overwriting.get(self.name, [])
        kept = {os.path.join(source, file) for file in kept}
        files = find_all_files(source, [*directory.ignore, "*.ipynb"])
        for file in set(files) - kept:
            copy = place / os.path.relpath(file, source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            shutil.copy(file, copy)

    def _notebook(self, student: str, text: str) -> None:
        place = Path(self.converter._format_dest(self.name, student))
        os.makedirs(place, mode=0o755, exist_ok=True)
        file = place / f"{self.name}.ipynb"
        write_atomically(file, (text.rstrip("\n") + "\n").encode())


# --- rows -----------------------------------------------------------------------------


@dataclass
class _Structure:
    """The rows of an assignment that those of a submission refer to."""

    assignment: str
    notebooks: list[str]
    graded: dict[str, str] = field(default_factory=dict)  # id of a cell -> its name
    commented: dict[str, str] = field(default_factory=dict)

    @property
    def one_notebook(self) -> bool:
        return len(self.notebooks) == 1

    @classmethod
    def read(cls, db: Any, name: str) -> _Structure:
        found = db.execute(
            select(rows.Assignment.id).where(rows.Assignment.name == name)
        ).scalar()
        if found is None:
            raise AssignmentError(
                f"the gradebook does not know {name}; release it again "
                f"(python -m autograder release {name}), which loses no points"
            )
        notebooks = db.execute(
            select(rows.Notebook.id).where(rows.Notebook.assignment_id == found)
        ).scalars()
        structure = cls(found, list(notebooks))
        cells = db.execute(
            select(rows.BaseCell.id, rows.BaseCell.name, rows.BaseCell.type)
            .where(rows.BaseCell.notebook_id.in_(structure.notebooks))
            .order_by(rows.BaseCell.type)  # a grade cell is found before a task
        )
        for cell, cell_name, kind in cells:
            if kind in ("GradeCell", "TaskCell"):
                structure.graded[cell] = cell_name
            if kind in ("SolutionCell", "TaskCell"):
                structure.commented[cell] = cell_name
        db.rollback()
        return structure


class _Row(SimpleNamespace):
    """A row to be, with nbgrader's names for its columns."""


class _Page:
    """The rows of one student; to nbgrader's preprocessors it is a gradebook."""

    def __init__(self, structure: _Structure, sheet: _Sheet):
        self.sheet, self.structure = sheet, structure
        self.db = self
        self.is_new = False
        self.submission = self.notebook = ""
        self.penalty: float | None = None
        self.grades: dict[str, _Row] = {}
        self.comments: dict[str, _Row] = {}

    def forget(self) -> None:
        """Have no automatic score, and ask for a person."""
        for grade in self.grades.values():
            grade.auto_score, grade.needs_manual_grade = None, True

    def commit(self) -> None:
        """Wait for the others: nothing is written alone."""

    def find_grade(self, cell: str, *_: str) -> _Row:
        return self._find(cell, self.structure.graded, self.grades)

    def find_comment(self, cell: str, *_: str) -> _Row:
        return self._find(cell, self.structure.commented, self.comments)

    @staticmethod
    def _find(name: str, names: dict[str, str], found: dict[str, _Row]) -> _Row:
        for cell, own in names.items():
            if own == name:
                return found[cell]
        raise KeyError(name)


class _Rows:
    """The rows of a batch, from reading what is there to one commit."""

    def __init__(self, recorder: Recorder, sheets: Sequence[_Sheet]):
        self.recorder, self.db = recorder, recorder.db
        self.structure = recorder.structure
        self.pages = {s.student: _Page(self.structure, s) for s in sheets}

    def write(self) -> list[Result]:
        """Write the rows; return the results that nbgrader itself has to record."""
        alone = []
        try:
            self._students()
            self._submissions()
            self._grades_and_comments()
            for page in self.pages.values():
                try:
                    self._score(page)
                except Exception:  # rows or cells that do not fit each other
                    page.forget()
                    alone.append(page.sheet.result)
            self._insert_and_update()
            for page in self.pages.values():
                if page.sheet.result not in alone:
                    try:
                        self._late(page)
                    except Exception:  # of the plugin
                        alone.append(page.sheet.result)
            self.db.commit()
        except BaseException:
            self.db.rollback()
            raise
        finally:
            self.db.remove()
        return alone

    def _students(self) -> None:
        table = rows.Student.__table__
        known = self.db.execute(select(table.c.id).where(table.c.id.in_(self.pages)))
        new = self.pages.keys() - set(known.scalars())
        if new:
            self.db.execute(insert(table), [{"id": student} for student in sorted(new)])

    def _submissions(self) -> None:
        table = rows.SubmittedAssignment.__table__
        found = self.db.execute(
            select(table.c.student_id, table.c.id).where(
                table.c.assignment_id == self.structure.assignment,
                table.c.student_id.in_(self.pages),
            )
        )
        ids = dict(map(tuple, found))
        new, dated = [], []
        for student, page in self.pages.items():
            stamp = page.sheet.timestamp
            page.is_new = student not in ids
            page.submission = ids.get(student) or rows.new_uuid()
            row = {"id": page.submission, "timestamp": stamp}
            if page.is_new:
                about = {"assignment_id": self.structure.assignment}
                new.append({**row, **about, "student_id": student, "extension": None})
            elif stamp is not None:
                dated.append(row)
        self._write(table, new, dated)
        self._notebooks()

    def _notebooks(self) -> None:
        table = rows.SubmittedNotebook.__table__
        owners = {page.submission: page for page in self.pages.values()}
        found = self.db.execute(
            select(table.c.assignment_id, table.c.id).where(
                table.c.assignment_id.in_(owners)
            )
        )
        for owner, notebook in found:
            owners[owner].notebook = notebook
        new = []
        for page in self.pages.values():
            if page.is_new:
                page.notebook = rows.new_uuid()
                about = {"notebook_id": self.structure.notebooks[0]}
                about["assignment_id"] = page.submission
                new.append({"id": page.notebook, **about})
        self._write(table, new, [])

    def _grades_and_comments(self) -> None:
        owners = {page.notebook: page for page in self.pages.values()}
        for table, name in ((_GRADES, "grades"), (_COMMENTS, "comments")):
            found = self.db.execute(
                select(table).where(table.c.notebook_id.in_(owners))
            ).mappings()
            for row in found:
                page = owners[row["notebook_id"]]
                getattr(page, name)[row["cell_id"]] = _Row(**row)
        for page in self.pages.values():
            for cell in self.structure.graded if page.is_new else ():
                page.grades[cell] = _new_row(page, cell, _GRADES)
            for cell in self.structure.commented if page.is_new else ():
                page.comments[cell] = _new_row(page, cell, _COMMENTS)

    def _score(self, page: _Page) -> None:
        """Forget earlier scores; then the rules of nbgrader, and of our own checks."""
        if not page.notebook:
            raise KeyError(page.sheet.student)
        page.forget()
        if page.sheet.cells is None:
            return
        recorder, name = self.recorder, self.recorder.name
        saver = SaveTrustedGrades(parent=recorder.converter)
        saver.gradebook, saver.task = page, recorder.course.task(name)
        saver.notebook_id = saver.assignment_id = name
        saver.student_id = page.sheet.student
        resources = {"autograder": page.sheet.result}
        for number, cell in enumerate(page.sheet.cells):
            saver.preprocess_cell(cell, resources, number)

    def _insert_and_update(self) -> None:
        for table, name in ((_GRADES, "grades"), (_COMMENTS, "comments")):
            new: list[dict[str, Any]] = []
            old: list[dict[str, Any]] = []
            for page in self.pages.values():
                made = [vars(row) for row in getattr(page, name).values()]
                (new if page.is_new else old).extend(made)
            self._write(table, new, old)

    def _late(self, page: _Page) -> None:
        """Take off what the course's plugin takes off for lateness."""
        if page.sheet.cells is None:
            return
        notebook = self.db.get(rows.SubmittedNotebook, page.notebook)
        submission = self.db.get(rows.SubmittedAssignment, page.submission)
        penalty = None
        if submission.total_seconds_late > 0:
            rule = AssignLatePenalties(parent=self.recorder.converter)
            rule.init_plugin()
            penalty = rule.plugin_inst.late_submission_penalty(
                page.sheet.student, notebook.score, submission.total_seconds_late
            )
            if penalty is not None:
                penalty = rule._check_late_penalty(notebook, penalty)
        notebook.late_submission_penalty = penalty

    def _write(
        self, table: Any, new: list[dict[str, Any]], old: list[dict[str, Any]]
    ) -> None:
        if new:
            self.db.execute(insert(table), new)
        if old:
            names = [name for name in old[0] if name != "id"]
            change = update(table).where(table.c.id == bindparam("row"))
            change = change.values({name: bindparam(f"new_{name}") for name in names})
            self.db.connection().execute(
                change,
                [
                    {"row": row["id"], **{f"new_{name}": row[name] for name in names}}
                    for row in old
                ],
            )


_GRADES, _COMMENTS = rows.Grade.__table__, rows.Comment.__table__


def _new_row(page: _Page, cell: str, table: Any) -> _Row:
    columns = dict.fromkeys(column.name for column in table.columns)
    if table is _GRADES:
        columns["needs_manual_grade"] = True
    about = {"id": rows.new_uuid(), "notebook_id": page.notebook, "cell_id": cell}
    return _Row(**{**columns, **about})
