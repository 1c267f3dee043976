"""A run over a class: who is next, how far it is, and what becomes of a broken one."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol

from autograder.course import Course

HANG_SECONDS = 400.0  # more than every limit inside a submission taken together


class Progress:
    """A line on stderr: how many, how fast, how long still."""

    def __init__(self, total: int, quiet: bool = False):
        self.total, self.done = total, 0
        self.started = time.monotonic()
        self.silent = quiet or not sys.stderr.isatty()

    def step(self) -> None:
        """Count one more and show the line."""
        self.done += 1
        if not self.silent:
            end = "\n" if self.done == self.total else ""
            print(f"\r{self.line()}\x1b[K", end=end, file=sys.stderr, flush=True)

    def kept(self) -> str:
        """Say how far it came, for a run that ends early.

        >>> Progress(10).kept()
        '0 graded and kept, 10 left'
        """
        return f"{self.done} graded and kept, {self.total - self.done} left"

    def line(self) -> str:
        """Return the line."""
        seconds = time.monotonic() - self.started
        rate = self.done / seconds if seconds else 0.0
        left = (self.total - self.done) / rate if rate else 0.0
        return (
            f"{self.done}/{self.total} graded, {rate * 60:.0f} a minute, "
            f"{int(left // 60)} min {int(left % 60):02d} s left"
        )


class Losses:
    """Submissions whose grading broke off: each is tried once more, then given up."""

    def __init__(self, course: Course, name: str):
        self.course, self.name = course, name
        self.seen: set[str] = set()

    def add(self, student: str, reason: str) -> str | None:
        """Return the key of the failure that was kept; None if it is to be tried."""
        if student not in self.seen:
            self.seen.add(student)
            return None
        return self.course.write_failure(self.name, student, reason)


class Crew(Protocol):
    """Those who grade: processes of this machine, or workers of a cluster."""

    def assign(self, todo: list[str]) -> None:
        """Take submissions from the end of the list, as many as there are hands."""

    def listen(self) -> list[tuple[str, str | None]]:
        """Wait for news; None for a key means that it has to be tried again."""
        ...


def grade_by(crew: Crew, students: Sequence[str], progress: Progress) -> dict[str, str]:
    """Let a crew grade, in order, until all is done; return every result's key."""
    todo = list(reversed(students))
    keys: dict[str, str] = {}
    while len(keys) < len(students):
        crew.assign(todo)
        for student, key in crew.listen():
            if key is None:
                todo.append(student)
            else:
                keys[student] = key
                progress.step()
    return keys
