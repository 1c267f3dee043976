"""How far a run is, and what becomes of a submission whose grading broke off."""

from __future__ import annotations

import sys
import time

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
