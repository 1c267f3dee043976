"""Many submissions, some at a time: worker processes that take one name after another.

A worker holds one warm sandbox. The process that runs student code is a grandchild, so
a worker does not die with it; should a worker die or hang all the same, the submission
it had is tried once more and then recorded as the grader's error, and the others go on.
"""

from __future__ import annotations

import ctypes
import multiprocessing as mp
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from autograder import cgroups
from autograder.course import Course
from autograder.outcome import Result, State
from autograder.sandbox import REFUSAL, Sandbox, SandboxError, why_not

PUT_AWAY_SECONDS = 10.0
HANG_SECONDS = 400.0  # more than every limit inside a submission taken together


def grade_all(
    course: Course,
    name: str,
    *,
    students: Sequence[str] | None = None,
    force: bool = False,
    jobs: int | None = None,
    quiet: bool = False,
) -> list[Result]:
    """Grade the collected submissions of an assignment; return their results in order.

    Raises
    ------
    SandboxError
        When nothing can be isolated here and the submissions are not trusted.
    AssignmentError
        When the assignment was not released in this course.
    """
    if not course.trusted and (reason := why_not()):
        raise SandboxError(REFUSAL.format(reason))
    course.task(name)
    wanted = list(students) if students else course.students(name)
    found = {s: None if force else course.find(name, s) for s in wanted}
    results = {s: r for s, r in found.items() if r is not None}
    todo = [s for s in wanted if s not in results]
    crew = _Crew(course, name, force, min(jobs or cpus(), max(len(todo), 1)))
    try:
        results |= crew.grade(todo, Progress(len(todo), quiet))
    finally:
        crew.dismiss()
    return [results[s] for s in wanted]


def cpus() -> int:
    """Return how many processors this process may use, quota of the container included.

    >>> cpus() >= 1
    True
    """
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    count = len(allowed(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, int(quota) // int(period)))
    except (OSError, ValueError):
        return count


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

    def line(self) -> str:
        """Return the line."""
        seconds = time.monotonic() - self.started
        rate = self.done / seconds if seconds else 0.0
        left = (self.total - self.done) / rate if rate else 0.0
        return (
            f"{self.done}/{self.total} graded, {rate * 60:.0f} a minute, "
            f"{int(left // 60)} min {int(left % 60):02d} s left"
        )


class _Worker:
    """One worker process, seen from here."""

    def __init__(self, crew: _Crew):
        context = mp.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = (str(crew.course.root), crew.name, crew.course.trusted, crew.force)
        self.process = context.Process(
            target=work, args=(theirs, *arguments), daemon=False
        )
        self.process.start()
        theirs.close()
        self.student: str | None = None
        self.since = time.monotonic()

    def take(self, student: str) -> None:
        self.student, self.since = student, time.monotonic()
        self.pipe.send(student)

    def end(self) -> None:
        """Let an idle worker put its sandbox away; kill a busy one."""
        self.pipe.close()
        if self.student is None:
            self.process.join(PUT_AWAY_SECONDS)
        self.process.kill()
        self.process.join()


class _Crew:
    """The workers of one run."""

    def __init__(self, course: Course, name: str, force: bool, size: int):
        self.course, self.name, self.force, self.size = course, name, force, size
        self.workers: list[_Worker] = []
        self.tries: dict[str, int] = {}

    def grade(self, students: Sequence[str], progress: Progress) -> dict[str, Result]:
        todo = list(reversed(students))
        results: dict[str, Result] = {}
        try:
            while len(results) < len(students):
                self._assign(todo)
                for student, result in self._listen():
                    if result is None:
                        todo.append(student)
                    else:
                        results[student] = result
                        progress.step()
        except KeyboardInterrupt:
            left = len(students) - len(results)
            print(f"\n{len(results)} graded and kept, {left} left", file=sys.stderr)
            raise
        return results

    def dismiss(self) -> None:
        for worker in self.workers:
            worker.end()
        self.workers.clear()
        cgroups.sweep(PUT_AWAY_SECONDS)  # of workers that were killed

    def _assign(self, todo: list[str]) -> None:
        idle = [w for w in self.workers if w.student is None]
        while todo:
            if idle:
                worker = idle.pop()
            elif len(self.workers) < self.size:
                worker = _Worker(self)
                self.workers.append(worker)
            else:
                return
            worker.take(todo.pop())

    def _listen(self) -> list[tuple[str, Result | None]]:
        """Wait for news; None for a result means that it has to be tried again."""
        busy = {w.pipe: w for w in self.workers if w.student is not None}
        news: list[tuple[str, Result | None]] = []
        for pipe in wait(list(busy), timeout=1.0):
            worker = busy[pipe]  # type: ignore[index]
            try:
                text = worker.pipe.recv()
            except (EOFError, OSError):
                news.append(self._lost(worker, "a grading process ended"))
                continue
            assert worker.student is not None
            news.append((worker.student, Result.loads(text)))
            worker.student = None
        for worker in list(self.workers):
            if worker.student and time.monotonic() - worker.since > HANG_SECONDS:
                news.append(self._lost(worker, "grading hung"))
        return news

    def _lost(self, worker: _Worker, reason: str) -> tuple[str, Result | None]:
        student = worker.student or ""
        worker.end()
        self.workers.remove(worker)
        self.tries[student] = self.tries.get(student, 0) + 1
        if self.tries[student] < 2:
            return student, None
        self.course.write_failure(self.name, student, reason)
        return student, Result(
            self.name, State.GRADER_ERROR, student=student, reason=reason
        )


def _end_with_parent() -> None:
    """Leave Ctrl-C to the parent, and let the kernel end us when it is gone.

    Otherwise a grader that was killed would still be grading while it is run again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = mp.parent_process()
    if sys.platform == "linux" and parent is not None:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent.pid:
            os._exit(1)


def work(pipe: Connection, root: str, name: str, trusted: bool, force: bool) -> None:
    """Grade what the pipe names until it closes; the body of a worker process."""
    _end_with_parent()
    course = Course(Path(root), trusted=trusted)
    with Sandbox(trusted=trusted) as sandbox:
        while True:
            try:
                student: Any = pipe.recv()
            except (EOFError, OSError):
                return
            result, _ = course.result(name, student, sandbox, force=force)
            pipe.send(result.dumps())
