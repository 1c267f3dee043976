"""A course folder: what was submitted, what was released, and the results kept in it.

Results lie in ``.autograder/results/<assignment>/<student>/<key>/``. The key is the
hash of everything that the result depends on, so a folder that is there is right, and
one that is missing is made. A folder appears under its name only when it is complete.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import overload

import nbformat
from nbformat import NotebookNode

from autograder import assignment as assignments
from autograder import grading, notebooks
from autograder import submission as submissions
from autograder.assignment import Assignment, AssignmentError
from autograder.outcome import Result
from autograder.release import CONFIG, released_copy, write_atomically
from autograder.sandbox import Sandbox
from autograder.submission import Unreadable

RESULT, NOTEBOOK, SECONDS = "result.json", "notebook.ipynb", "seconds.txt"


class Course:
    """The folder of one course.

    Raises
    ------
    AssignmentError
        When it is none.
    """

    def __init__(self, root: Path, *, trusted: bool = False):
        self.root, self.trusted = root.resolve(), trusted
        if not (self.root / CONFIG).is_file():
            raise AssignmentError(f"{root} is no course: there is no {CONFIG}")

    def submitted(self, name: str, student: str) -> Path:
        """Return where a student's notebook is, if there is one."""
        return self.root / "submitted" / student / name / f"{name}.ipynb"

    def students(self, name: str) -> list[str]:
        """Return who has submitted something for this assignment."""
        folders = self.root.glob(f"submitted/*/{name}")
        return sorted(f.parent.name for f in folders if f.is_dir())

    def task(self, name: str) -> Assignment:
        """Return the assignment as it was released."""
        return _parsed(released_copy(name, self.root), name)[0]

    # --- results ---

    def result(
        self, name: str, student: str, sandbox: Sandbox, *, force: bool = False
    ) -> tuple[Result, NotebookNode]:
        """Return a student's result and notebook: the kept ones, or newly graded."""
        key = self.grade(name, student, sandbox, force=force)
        notebook = nbformat.read(self.notebook(name, student, key), as_version=4)
        return self.read(name, student, key), notebook

    def grade(
        self, name: str, student: str, sandbox: Sandbox, *, force: bool = False
    ) -> str:
        """Make a student's result, unless it is kept already; return its key."""
        key = self.key(name, student)
        folder = self._folder(name, student, key)
        if force or not folder.is_dir():
            started = time.monotonic()
            made = self._grade(name, student, sandbox)
            made[0].key = key
            self._write(folder, *made, seconds=time.monotonic() - started)
        return key

    def find(self, name: str, student: str) -> Result | None:
        """Return the kept result of what a student has submitted now, if any."""
        key = self.key(name, student)
        return self.read(name, student, key) if self.has(name, student, key) else None

    def has(self, name: str, student: str, key: str) -> bool:
        """Say whether the result with this key is kept."""
        return (self._folder(name, student, key) / RESULT).is_file()

    def read(self, name: str, student: str, key: str) -> Result:
        """Return a kept result by its key."""
        return Result.read(self._folder(name, student, key) / RESULT)

    def notebook(self, name: str, student: str, key: str) -> Path:
        """Return where the notebook with the feedback is, beside its result."""
        return self._folder(name, student, key) / NOTEBOOK

    def kept(self, name: str) -> list[tuple[Result, float]]:
        """Return the latest kept result of every student, and the seconds it took.

        The time stands beside the result, not in it: a result is the same bytes
        whenever it is made.
        """
        results = []
        for folder in sorted(self._folder(name).glob("[!.]*")):
            files = list(folder.glob(f"*/{RESULT}"))
            if files:
                newest = max(files, key=lambda f: f.stat().st_mtime_ns)
                seconds = float(newest.with_name(SECONDS).read_text())
                results.append((Result.read(newest), seconds))
        return results

    def write_failure(self, name: str, student: str, reason: str) -> str:
        """Keep the result of a submission at which the grader broke; return its key."""
        task, notebook = self._released(name)
        result = grading.grader_error(task, reason, student)
        result.key = self.key(name, student)
        grading.show_feedback(notebook, task, result)
        self._write(self._folder(name, student, result.key), result, notebook)
        return result.key

    def _released(self, name: str) -> tuple[Assignment, NotebookNode]:
        """Return the assignment and a copy of its notebook, to be written into."""
        task, notebook = _parsed(released_copy(name, self.root), name)
        return task, copy.deepcopy(notebook)

    def _grade(
        self, name: str, student: str, sandbox: Sandbox
    ) -> tuple[Result, NotebookNode]:
        task, notebook = self._released(name)
        try:
            kept = submissions.read(
                self.submitted(name, student), task, self.root / "submitted"
            )
        except Unreadable as error:
            result = grading.unreadable(task, str(error), student)
        else:
            result = grading.grade(kept, task, sandbox, student=student)
            notebook = notebooks.rebuilt(notebook, task, kept)
            notebooks.execute(notebook, sandbox)
        grading.show_feedback(notebook, task, result)
        return result, notebook

    def _folder(self, *parts: str) -> Path:
        return self.root.joinpath(".autograder", "results", *parts)

    def key(self, name: str, student: str) -> str:
        """Return the key of a student's result: a hash of all that it depends on."""
        try:
            data = submissions.read_bytes(
                self.submitted(name, student), self.root / "submitted"
            )
        except Unreadable as error:
            data = f"unreadable: {error}".encode()
        digest = hashlib.sha256(hashlib.sha256(student.encode()).digest())
        digest.update(hashlib.sha256(data).digest())
        for part in self.conditions(name).values():
            digest.update(hashlib.sha256(part.encode()).digest())
        return digest.hexdigest()[:32]

    def conditions(self, name: str) -> dict[str, str]:
        """Return what every result of an assignment depends on, each under its name.

        Two machines on which these are equal give a submission the same key.
        """
        return {
            "release": released_copy(name, self.root).stem,
            "checks": _code(assignments.checks()),
            "grader": _code(assignments.PACKAGE),
            "torch": metadata.version("torch"),
            "trusted": str(self.trusted),
        }

    def _write(
        self,
        folder: Path,
        result: Result,
        notebook: NotebookNode,
        seconds: float = 0.0,
    ) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent.parent, prefix=".writing-"))
        try:
            write_atomically(temporary / RESULT, result.dumps().encode())
            text = nbformat.writes(notebook)
            write_atomically(temporary / NOTEBOOK, text.encode())
            write_atomically(temporary / SECONDS, f"{seconds:.3f}".encode())
            _put(temporary, folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


class Graded(Sequence[Result]):
    """The results of a run, in order, each read from the course when it is asked for.

    So a class of any size takes no more memory than its names and keys.
    """

    def __init__(self, course: Course, name: str, keys: Mapping[str, str]):
        self._course, self._name, self._keys = course, name, list(keys.items())

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> Graded: ...

    def __getitem__(self, index: int | slice) -> Result | Graded:
        if isinstance(index, slice):
            return Graded(self._course, self._name, dict(self._keys[index]))
        return self._course.read(self._name, *self._keys[index])

    def __iter__(self) -> Iterator[Result]:
        return (self._course.read(self._name, *pair) for pair in self._keys)


def _put(made: Path, place: Path) -> None:
    """Rename a complete folder into place, whoever else puts one there meanwhile.

    One that stands there already was made by wish again, or by another machine: it is
    moved aside first, because no file system renames over a folder that is not empty.
    """
    for _ in range(20):
        try:
            os.replace(made, place)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        old = Path(tempfile.mkdtemp(dir=place.parent.parent, prefix=".old-"))
        with contextlib.suppress(FileNotFoundError):  # another was quicker
            os.replace(place, old / place.name)
        shutil.rmtree(old, ignore_errors=True)
    raise OSError(f"{place} is written again and again by others")


@cache
def _parsed(path: Path, name: str) -> tuple[Assignment, NotebookNode]:
    """Read a kept release once; its path names its hash, so it never changes."""
    notebook = nbformat.read(path, as_version=4)
    return assignments.from_notebook(name, notebook), notebook


@cache
def _code(folder: Path) -> str:
    """Return a digest of the Python files in a folder, not below it."""
    return code_now(folder)


def code_now(folder: Path) -> str:
    """Return that digest as the files are now, not as they were when this started."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def code_changed() -> bool:
    """Say whether grader or checks on disk are others than those of this process."""
    folders = (assignments.checks(), assignments.PACKAGE)
    return any(_code(folder) != code_now(folder) for folder in folders)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
