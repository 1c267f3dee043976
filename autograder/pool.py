"""Many submissions, some at a time: worker processes that take one name after another.

A worker holds one warm sandbox. The process that runs student code is a grandchild, so
a worker does not die with it; should a worker die or hang all the same, the submission
it had is tried once more and then recorded as the grader's error, and the others go on.
"""

from __future__ import annotations

import ctypes
import hashlib
import multiprocessing as mp
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import autograder.quick_start  # noqa: F401, first in worker processes, too
from autograder import cgroups
from autograder import progress as limits
from autograder.cluster import Cluster, ClusterError
from autograder.course import Course, Graded
from autograder.progress import Losses, Progress, grade_by
from autograder.sandbox import REFUSAL, Sandbox, SandboxError, why_not

PUT_AWAY_SECONDS = 10.0


def grade_all(
    course: Course,
    name: str,
    *,
    students: Sequence[str] | None = None,
    afterwards: Sequence[str] = (),
    force: bool = False,
    jobs: int | None = None,
    scheduler: str = "",
    quiet: bool = False,
) -> Graded:
    """Grade the collected submissions of an assignment; return their results in order.

    ``jobs`` processes of this machine grade, or, with the address of a ``scheduler``,
    the workers of a Dask cluster. The results are the same bytes.

    Those to be graded ``afterwards`` are another run's: each is graded if it has no
    result when its turn comes, and is not among what is returned.

    Raises
    ------
    SandboxError
        When nothing can be isolated here and the submissions are not trusted.
    ClusterError
        When the cluster cannot be reached, cannot grade as this machine would, or is
        lost on the way.
    AssignmentError
        When the assignment was not released in this course.
    """
    if not (scheduler or course.trusted) and (reason := why_not()):
        raise SandboxError(REFUSAL.format(reason))
    course.task(name)
    wanted = list(course.students(name) if students is None else students)
    keys = {student: course.key(name, student) for student in wanted}
    todo = [s for s in wanted if force or not course.has(name, s, keys[s])]
    todo += [s for s in afterwards if not course.has(name, s, course.key(name, s))]
    if not todo:
        return Graded(course, name, keys)
    crew: _Crew | Cluster
    if scheduler:
        crew = Cluster(course, name, scheduler, force=force)
    else:
        crew = _Crew(course, name, force, min(jobs or cpus(), len(todo)))
    progress = Progress(len(todo), quiet)
    try:
        found = crew.grade(todo, progress)
        keys |= {student: found[student] for student in keys.keys() & found.keys()}
    except (KeyboardInterrupt, ClusterError):
        print(f"\n{progress.kept()}", file=sys.stderr)
        raise
    finally:
        crew.dismiss()
    return Graded(course, name, keys)


def shard(students: Sequence[str], number: int, count: int) -> list[str]:
    """Return the part of a class that is one of several runs' to grade.

    Every student is in exactly one part, and parts differ by one student at most.

    >>> [shard(["ada", "ben", "cleo"], i, 2) for i in (1, 2)]
    [['ada', 'cleo'], ['ben']]
    """
    return sorted(students)[number - 1 :: count]


def others(students: Sequence[str], number: int, count: int) -> list[str]:
    """Return the other parts, for a run that is done with its own and has time to help.

    In another order for each part: those who help seldom take the same student.

    >>> sorted(others(["ada", "ben", "cleo", "dan"], 1, 2))
    ['ben', 'dan']
    """
    own = {*shard(students, number, count)}

    def order(student: str) -> bytes:
        return hashlib.sha256(f"{number}/{count} {student}".encode()).digest()

    return sorted({*students} - own, key=order)


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
        self.losses = Losses(course, name)

    def grade(self, students: Sequence[str], progress: Progress) -> dict[str, str]:
        """Return the key of every student's result."""
        return grade_by(self, students, progress)

    def dismiss(self) -> None:
        for worker in self.workers:
            worker.end()
        self.workers.clear()
        cgroups.sweep(PUT_AWAY_SECONDS)  # of workers that were killed

    def assign(self, todo: list[str]) -> None:
        """Give idle processes a submission each; start more, up to the size."""
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

    def listen(self) -> list[tuple[str, str | None]]:
        """Wait for news; None for a key means that it has to be tried again."""
        busy = {w.pipe: w for w in self.workers if w.student is not None}
        news: list[tuple[str, str | None]] = []
        for pipe in wait(list(busy), timeout=1.0):
            worker = busy[pipe]  # type: ignore[index]
            try:
                key = worker.pipe.recv()
            except (EOFError, OSError):
                news.append(self._lost(worker, "a grading process ended"))
                continue
            assert worker.student is not None
            news.append((worker.student, key))
            worker.student = None
        for worker in list(self.workers):
            if worker.student and time.monotonic() - worker.since > limits.HANG_SECONDS:
                news.append(self._lost(worker, "grading hung"))
        return news

    def _lost(self, worker: _Worker, reason: str) -> tuple[str, str | None]:
        student = worker.student or ""
        worker.end()
        self.workers.remove(worker)
        return student, self.losses.add(student, reason)


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
    optimizers = course.task(name).optimizes
    with Sandbox(trusted=trusted, optimizers=optimizers) as sandbox:
        while True:
            try:
                student: Any = pipe.recv()
            except (EOFError, OSError):
                return
            pipe.send(course.grade(name, student, sandbox, force=force))
