"""Many machines: the workers of a Dask cluster grade, and write what they find.

Only paths, names and keys travel. The client gives every worker process one submission
at a time, knows who has which, and waits for the result to appear in the course folder,
which all see. A worker first shows that it would grade as this machine does: the same
folder, release, checks, grader and torch, and a sandbox. One that would not is not
used, and it is said why.

Dask itself unpickles what its machines send to each other, so they must trust each
other. Students' code runs in the sandbox, from which no network can be reached.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future as Promise
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autograder.quick_start  # noqa: F401, first in worker processes, too
from autograder import progress as limits
from autograder.assignment import AssignmentError
from autograder.course import Course, code_changed
from autograder.progress import Losses, Progress, grade_by
from autograder.sandbox import REFUSAL, Sandbox, why_not

ADDRESS = re.compile(r"(tcp|tls)://[^\s/:]+:\d+|(tcp|tls)://\[[0-9a-fA-F:]+\]:\d+")
CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 60.0  # for a scheduler that is connected
ADMIT_SECONDS = 200.0  # for a worker to import the grader and try its sandbox
PATIENCE_SECONDS = 60.0  # for the first worker, and for the next after the last one
VISIBLE_SECONDS = 75.0  # a network file system may show a new file that late
IDLE_SECONDS = 60.0  # after which a worker puts its sandbox away

WORKER = "dask worker {} --nworkers 2 --nthreads 1"
MISSING = (
    "--scheduler needs Dask, which is not installed here: "
    "pip install 'cnn-course[cluster]' (or: pip install distributed)"
)
REMEDIES = {
    "release": "it sees another release; do all machines mount the same course folder?",
    "checks": "its hidden checks are others; give all machines the same ones",
    "grader": "its autograder is another; install the same one, then restart it",
    "torch": "install the same torch on all machines",
    "trusted": "trust is stated otherwise there",
}


class ClusterError(Exception):
    """A cluster that cannot be reached, cannot be used, or was lost on the way."""


class Refused(Exception):
    """A worker would not grade as the client does: what differs, and what helps."""


# --- on the client --------------------------------------------------------------------


@dataclass
class _Host:
    """One worker process of the cluster, seen from here."""

    address: str
    future: Any
    student: str | None = None  # None while it is being asked, or idle
    key: str = ""
    since: float = 0.0
    admitted: bool = False


class Cluster:
    """A Dask cluster for one run; it grades as a crew of local processes does.

    Raises
    ------
    ClusterError
        When Dask is not installed, or nothing answers at the address.
    """

    def __init__(self, course: Course, name: str, address: str, *, force: bool):
        self.course, self.name, self.force = course, name, force
        self.address = address
        self.losses = Losses(course, name)
        self.hosts: dict[str, _Host] = {}
        self.refused: dict[str, str] = {}
        self.served = False  # whether a worker was ever admitted
        self.news: queue.SimpleQueue[_Host] = queue.SimpleQueue()
        self.seen = self.looked = time.monotonic()
        self.client = _connect(address)
        self.probe = _probe(course)

    def grade(self, students: Sequence[str], progress: Progress) -> dict[str, str]:
        """Return the key of every student's result."""
        self._look()
        return grade_by(self, students, progress)

    def dismiss(self) -> None:
        """Withdraw what was not begun; leave the cluster as it was."""
        self.probe.unlink(missing_ok=True)
        with contextlib.suppress(Exception):
            if self.client.status == "running":
                futures = [h.future for h in self.hosts.values() if h.future]
                self.client.cancel(futures, force=True)
        with contextlib.suppress(Exception):
            self.client.close(timeout=5)

    # --- who is there ---

    def _look(self) -> None:
        """Ask newcomers whether they can grade, and note who has gone."""
        now = self.looked = time.monotonic()
        there = self._addresses()
        for address in there - self.hosts.keys() - self.refused.keys():
            self.hosts[address] = host = _Host(address, None)
            facts = self.course.conditions(self.name)
            self._give(host, admit, str(self.course.root), self.name, facts, self.probe)
        if any(h.address in there for h in self.hosts.values()):
            self.seen = now
            return
        reasons = "".join(f"\n  {a}: {why}" for a, why in self.refused.items())
        if there and not self.hosts and not self.served:
            raise ClusterError(f"no worker of {self.address} can be used:{reasons}")
        if now - self.seen > PATIENCE_SECONDS:
            raise ClusterError(
                f"{self.address} has had no worker for {PATIENCE_SECONDS:.0f} s; start "
                f"some: {WORKER.format(self.address)}{reasons}"
            )

    def _addresses(self) -> set[str]:
        if self.client.status != "running":
            raise self._scheduler_lost()
        try:
            ncores = self.client.scheduler.ncores
            return set(self.client.sync(ncores, callback_timeout=ANSWER_SECONDS))
        except Exception:  # whatever Dask makes of a connection that is gone
            raise self._scheduler_lost() from None

    def _scheduler_lost(self) -> ClusterError:
        return ClusterError(
            f"the scheduler at {self.address} was lost; what is finished is kept, so "
            "start it again and type the same command"
        )

    # --- giving and taking ---

    def _give(self, host: _Host, function: Any, *args: Any) -> None:
        host.since = time.monotonic()
        host.future = self.client.submit(
            function,
            *args,
            workers=[host.address],
            allow_other_workers=False,
            pure=False,
            key=f"autograder-{uuid.uuid4().hex}",
        )
        host.future.add_done_callback(lambda _: self.news.put(host))

    def assign(self, todo: list[str]) -> None:
        """Give every worker that is admitted and idle a submission."""
        for host in self.hosts.values():
            if not todo:
                return
            if host.admitted and host.student is None:
                host.student = student = todo.pop()
                host.key = self.course.key(self.name, student)
                root, trusted = str(self.course.root), self.course.trusted
                about = (root, self.name, student, host.key, trusted, self.force)
                self._give(host, grade_one, *about)

    def listen(self) -> list[tuple[str, str | None]]:
        """Wait for news; None for a key means that it has to be tried again."""
        with contextlib.suppress(queue.Empty):
            host = self.news.get(timeout=1.0)
            if self.client.status != "running":
                raise self._scheduler_lost()
            if self.hosts.get(host.address) is host:
                return self._heard(host)
        if time.monotonic() - self.looked < 1.0:
            return []
        self._look()
        return self._missing()

    def _heard(self, host: _Host) -> list[tuple[str, str | None]]:
        student, host.student = host.student, None
        status = host.future.status
        error = host.future.exception() if status == "error" else None
        host.future = None
        if student is None:
            host.admitted = status == "finished"
            self.served = self.served or host.admitted
            if error is not None:
                self._refuse(host, _words(error))
            elif not host.admitted:
                del self.hosts[host.address]  # the next look finds it again
            return []
        if status == "finished":
            if self._appears(student, host.key):
                return [(student, host.key)]
            self._refuse(host, "what it writes does not appear in the course folder")
            return [(student, None)]
        if isinstance(error, Refused):
            if self.course.key(self.name, student) == host.key:
                self._refuse(host, _words(error))
            return [(student, None)]  # else it was handed in again just now
        if error is None:  # withdrawn by the scheduler: nobody's fault
            return [(student, None)]
        return [(student, self.losses.add(student, _words(error)))]

    def _missing(self) -> list[tuple[str, str | None]]:
        """Return what was with workers that have gone, or that hang."""
        there, news = self._addresses(), []
        for host in list(self.hosts.values()):
            busy = host.future is not None
            limit = limits.HANG_SECONDS if host.student else ADMIT_SECONDS
            hangs = busy and time.monotonic() - host.since > limit
            if host.address in there and not hangs:
                continue
            del self.hosts[host.address]
            if busy:
                self.client.cancel([host.future], force=True)
            if hangs:
                self.refused[host.address] = "it hung"
                with contextlib.suppress(Exception):  # it may have no nanny
                    self.client.restart_workers([host.address], timeout=30)
                    del self.refused[host.address]
            if host.student is not None:
                reason = "grading hung" if hangs else "a grading worker was lost"
                news.append((host.student, self.losses.add(host.student, reason)))
        return news

    def _refuse(self, host: _Host, reason: str) -> None:
        del self.hosts[host.address]
        self.refused[host.address] = reason
        print(
            f"autograder: worker {host.address} is not used: {reason}", file=sys.stderr
        )
        self.looked = 0.0

    def _appears(self, student: str, key: str) -> bool:
        until = time.monotonic() + VISIBLE_SECONDS
        while not self.course.has(self.name, student, key):
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
        return True


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError(MISSING) from None
    for name in ("distributed", "distributed.client", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # we say it in one line
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # of the socket, of TLS, of Dask's configuration
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if address.startswith("tls:"):
            reason += (
                " (tls:// takes ca-file and the client's cert and key from Dask's "
                "configuration: distributed.comm.tls)"
            )
        raise ClusterError(
            f"no Dask scheduler can be reached at {address}: {reason}"
        ) from None


def _probe(course: Course) -> Path:
    """Write a file by which a worker shows that it sees this very folder."""
    folder = course.root / ".autograder"
    folder.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".probe-")
    with os.fdopen(handle, "w") as file:
        file.write(Path(name).name)
    return Path(name)


def _words(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; install the course there, with [grade,cluster]"
    if isinstance(error, Refused | AssignmentError):
        return str(error)
    return f"{type(error).__name__}: {str(error)[:300]}"


# --- on a worker ----------------------------------------------------------------------


def admit(root: str, name: str, facts: dict[str, str], probe: Path) -> None:
    """Refuse, unless this worker would give every submission the client's key.

    Raises
    ------
    Refused
        With what differs here and what helps.
    """
    where = f"on {socket.gethostname()}"
    try:
        same = Path(probe).read_text() == Path(probe).name
    except OSError as error:
        raise Refused(
            f"{where} the course folder {root} is not the one that this machine has "
            f"({error.strerror}: {Path(probe).name}); mount the same folder at the "
            "same path, for the same user"
        ) from None
    if not same:
        raise Refused(f"{where} {root} is another folder of that name")
    trusted = facts["trusted"] == str(True)
    own = Course(Path(root), trusted=trusted).conditions(name)
    for what, value in facts.items():
        if own[what] != value:
            seen = f" ({own[what]}, not {value})" if what == "torch" else ""
            raise Refused(f"{where} {what} differs{seen}: {REMEDIES[what]}")
    _unchanged(where)
    if not trusted and (reason := why_not()):
        raise Refused(f"{where}: {REFUSAL.format(reason)}")
    try:
        folder = Path(root, ".autograder", "results", name)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(
            f"{where} nothing can be written in {folder}: {error.strerror}"
        ) from None


def grade_one(
    root: str, name: str, student: str, key: str, trusted: bool, force: bool
) -> None:
    """Grade one submission into the course folder, in this worker's one sandbox.

    Raises
    ------
    Refused
        When the submission has another key here than on the client.
    """
    promise: Promise[None] = Promise()
    _bench().orders.put((promise, (root, name, student, key, trusted, force)))
    promise.result()


def _unchanged(where: str) -> None:
    if code_changed():
        raise Refused(
            f"{where} autograder or checks were changed since the worker started: "
            "restart it"
        )


class _Bench(threading.Thread):
    """The one thread of a worker process that grades, and its one warm sandbox.

    A worker may be started with many threads, and a sandbox dies with the thread that
    started it. Nothing is graded for a while: then the sandbox is put away.
    """

    def __init__(self) -> None:
        super().__init__(name="autograder", daemon=True)
        self.orders: queue.SimpleQueue[tuple[Promise[None], tuple[Any, ...]]]
        self.orders = queue.SimpleQueue()
        self.sandbox: Sandbox | None = None

    def run(self) -> None:
        while True:
            try:
                seconds = IDLE_SECONDS if self.sandbox else None
                promise, order = self.orders.get(timeout=seconds)
            except queue.Empty:
                self._put_away()
                continue
            try:
                self._grade(*order)
            except BaseException as error:
                self._put_away()
                promise.set_exception(error)
            else:
                promise.set_result(None)

    def _grade(
        self, root: str, name: str, student: str, key: str, trusted: bool, force: bool
    ) -> None:
        where = f"on {socket.gethostname()}"
        _unchanged(where)
        course = Course(Path(root), trusted=trusted)
        if course.key(name, student) != key:
            raise Refused(
                f"{where} the submission of {student}, or what it is graded by, is "
                "another than on the client: mount the same folder and install the "
                "same course on all machines"
            )
        if self.sandbox and self.sandbox.trusted != trusted:
            self._put_away()
        if self.sandbox is None:
            self.sandbox = Sandbox(trusted=trusted)
        course.grade(name, student, self.sandbox, force=force)

    def _put_away(self) -> None:
        if self.sandbox:
            self.sandbox.close()
        self.sandbox = None


_lock = threading.Lock()
_benches: list[_Bench] = []


def _bench() -> _Bench:
    with _lock:
        if not _benches:
            _benches.append(_Bench())
            _benches[0].start()
        return _benches[0]
