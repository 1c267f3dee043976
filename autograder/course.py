"""A course folder: what was submitted, what was released, and the results kept in it.

Results lie in ``.autograder/results/<assignment>/<student>/<key>/``. The key is the
hash of everything that the result depends on, so a folder that is there is right, and
one that is missing is made. A folder appears under its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from functools import cache
from importlib import metadata
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import assignment as assignments
from autograder import grading, notebooks
from autograder import submission as submissions
from autograder.assignment import Assignment, AssignmentError
from autograder.outcome import Result
from autograder.release import CONFIG, released, released_copy, write_atomically
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
        return released(name, self.root)

    # --- results ---

    def result(
        self, name: str, student: str, sandbox: Sandbox, *, force: bool = False
    ) -> tuple[Result, NotebookNode]:
        """Return a student's result and notebook: the kept ones, or newly graded."""
        release = released_copy(name, self.root)
        folder = self._folder(name, student, self._key(name, student, release))
        if force or not folder.is_dir():
            started = time.monotonic()
            made = self._grade(name, student, sandbox, release)
            made[0].key = folder.name
            self._write(folder, *made, seconds=time.monotonic() - started)
        notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
        return Result.read(folder / RESULT), notebook

    def find(self, name: str, student: str) -> Result | None:
        """Return the kept result of what a student has submitted now, if any."""
        release = released_copy(name, self.root)
        folder = self._folder(name, student, self._key(name, student, release))
        return Result.read(folder / RESULT) if folder.is_dir() else None

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

    def write_failure(self, name: str, student: str, reason: str) -> None:
        """Keep the result of a submission at which the grader itself broke down."""
        task, release = self.task(name), released_copy(name, self.root)
        result = grading.grader_error(task, reason, student)
        result.key = self._key(name, student, release)
        notebook = nbformat.read(release, as_version=4)
        grading.show_feedback(notebook, task, result)
        self._write(self._folder(name, student, result.key), result, notebook)

    def _grade(
        self, name: str, student: str, sandbox: Sandbox, release: Path
    ) -> tuple[Result, NotebookNode]:
        task = self.task(name)
        notebook = nbformat.read(release, as_version=4)
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

    def _key(self, name: str, student: str, release: Path) -> str:
        try:
            data = submissions.read_bytes(
                self.submitted(name, student), self.root / "submitted"
            )
        except Unreadable as error:
            data = f"unreadable: {error}".encode()
        digest = hashlib.sha256()
        for part in (
            student.encode(),
            data,
            release.read_bytes(),
            _code(assignments.checks()),
            _code(assignments.PACKAGE),
            metadata.version("torch").encode(),
            str(self.trusted).encode(),
        ):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()[:32]

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
            if folder.exists():  # graded again, by wish
                old = Path(tempfile.mkdtemp(dir=folder.parent.parent, prefix=".old-"))
                os.replace(folder, old / folder.name)
                os.replace(temporary, folder)
                shutil.rmtree(old)
            else:
                os.replace(temporary, folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@cache
def _code(folder: Path) -> bytes:
    """Return a digest of the Python files in a folder, not below it."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
