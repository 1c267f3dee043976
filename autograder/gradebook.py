"""The single writer of the gradebook: results become nbgrader's rows and notebooks."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.outcome import Result
from autograder.release import CONFIG, check_nbgrader, write_atomically


def record(course: Course, name: str, results: Sequence[Result]) -> list[str]:
    """Write results into the gradebook, through nbgrader's own autograde.

    A student's row is written when its result is another than the one recorded, and
    the note of what is recorded is written last: after a kill at any moment the next
    call does what is missing. Returns the students whose rows were written.
    """
    check_nbgrader()
    written = []
    with writing(course), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's remarks on nbgrader's own code
        api: Any = None
        for result in results:
            note = course.root / ".autograder" / "recorded" / name / result.student
            folder = course.root / "autograded" / result.student / name
            if folder.is_dir() and _noted(note) == result.key:
                continue
            api = api or _api(course)
            outcome = api.autograde(name, result.student, force=True, create=True)
            if not outcome["success"]:  # a folder without the notebook, for instance
                _record_nothing(api, name, result)
            write_atomically(note, json.dumps({"key": result.key}).encode())
            written.append(result.student)
    return written


def _noted(note: Path) -> str:
    try:
        return str(json.loads(note.read_text())["key"])
    except (OSError, ValueError, KeyError):
        return ""


def _api(course: Course) -> Any:
    """Return nbgrader's interface with the configuration of the course."""
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader(CONFIG, path=str(course.root)).load_config()
    config.TrustedChecks.trust_submissions = course.trusted
    return NbGraderAPI(config=config)


def _record_nothing(api: Any, name: str, result: Result) -> None:
    """Write a row for a submission without a notebook: no points, and for a person."""
    with api.gradebook as gradebook:
        gradebook.update_or_create_student(result.student)
        submission = gradebook.update_or_create_submission(name, result.student)
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score = None
                grade.needs_manual_grade = True
        gradebook.db.commit()


@contextlib.contextmanager
def writing(course: Course) -> Iterator[None]:
    """Be the only writer of this course's gradebook; wait for another one to end."""
    path = course.root / ".autograder" / "gradebook.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
