"""The single writer of the gradebook: results become nbgrader's rows and notebooks."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice

from autograder.course import Course
from autograder.outcome import Result
from autograder.release import check_nbgrader, write_atomically

BATCH = 50  # students in one transaction, which others wait for


def record(course: Course, name: str, results: Iterable[Result]) -> list[str]:
    """Write results into the gradebook, as nbgrader's own autograde would.

    A student's row is written when its result is another than the one recorded. The
    note of what is recorded is removed first and written last: after a kill at any
    moment the next call does what is missing. Returns the students whose rows were
    written.

    Raises
    ------
    AssignmentError
        When the gradebook does not know the assignment.
    """
    check_nbgrader()
    written: list[str] = []
    with writing(course), warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore")  # SQLAlchemy's remarks on nbgrader's own code
        recorder = None
        notes = Notes(course, name)
        missing = (result for result in results if not notes.say(result))
        while batch := list(islice(missing, BATCH)):
            if recorder is None:
                from autograder.recording import Recorder

                recorder = stack.enter_context(Recorder(course, name))
            notes.remove(batch)
            recorder.record(batch)
            notes.write(batch)
            written += [result.student for result in batch]
    return written


class Notes:
    """What of an assignment stands in the gradebook: the hash of a student's result."""

    def __init__(self, course: Course, name: str):
        self.course, self.name = course, name
        self.folder = course.root / ".autograder" / "recorded" / name

    def say(self, result: Result) -> bool:
        """Say whether this very result is recorded, and its notebook still there."""
        student = result.student
        autograded = self.course.root / "autograded" / student / self.name
        submitted = self.course.submitted(self.name, student)
        if submitted.exists() and not autograded.is_dir():
            return False
        try:
            note = json.loads((self.folder / student).read_text())
            return bool(note == _note(result))
        except (OSError, ValueError):
            return False

    def remove(self, results: Iterable[Result]) -> None:
        """Forget what was recorded, before it is written over."""
        for result in results:
            (self.folder / result.student).unlink(missing_ok=True)

    def write(self, results: Iterable[Result]) -> None:
        """Note that these are recorded."""
        for result in results:
            note = json.dumps(_note(result)).encode()
            write_atomically(self.folder / result.student, note)


def _note(result: Result) -> dict[str, str]:
    text = result.dumps().encode()
    return {"key": result.key, "result": hashlib.sha256(text).hexdigest()}


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
