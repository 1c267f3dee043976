"""Claim: a thousand submissions cost a thousand times one, on a cluster as well.

    python benchmarks/grading_scale.py [corr2d …] [--small 50] [--large 1000]
                                       [--compared 200] [--repeats 1]

*Size*: ``python -m autograder grade --jobs 2`` grades a small class and a large one of
the same mixture: right answers, one answer wrong, none given, and one in ten slow. In
each round the small class is graded before and after the large one. Compared are, per
submission, seconds and processor seconds of everything, and the peak of memory of the
trusted side: the command and its workers, not the sandboxes, whose limit is fixed.

*Where*: one class is graded anew by ``--jobs 2``, by ``--scheduler`` on a Dask cluster
of two workers that stands ready on this machine, and by ``--shard 1/2`` beside
``--shard 2/2``, with the command afterwards that records all in the gradebook. They
take turns, three times a round. Their results must be the same to the byte.

All of it on two processors. With the default numbers it takes most of an hour; it says
how far it is.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import nbformat
from grading_throughput import ONE_THREAD, TARGETS, hand_in, our_course, submissions
from measured import busy_seconds, note

WITHIN = "<= 1.1"
START_SECONDS = 120  # for a cluster
SLOW = """
def {0}(*args, **kwargs):
    import time

    until = time.perf_counter() + 0.1
    while time.perf_counter() < until:
        pass
    return _right(*args, **kwargs)"""


class Cost(NamedTuple):
    """What one way of grading a class took; memory is the trusted side's peak."""

    seconds: float
    cpu: float
    memory: float


# -- submissions -----------------------------------------------------------------------


def mixed(name: str) -> list[nbformat.NotebookNode]:
    """Make ten notebooks that take turns: one is slow, and most of them are right."""
    from autograder.assignment import load
    from autograder.testing import notebook_of

    first, *_ = load(name).of("answer")
    slow = f"{first.source}\n\n_right = {first.id}\n{SLOW.format(first.id)}"
    made = [notebook_of(name, {first.id: slow}), *submissions(name)]
    return [notebook_of(name, {}) for _ in range(10 - len(made))] + made


def class_of(folder: Path, name: str, count: int) -> Path:
    """Make a course in which ``count`` students have handed in."""
    folder.mkdir(exist_ok=True)
    course = our_course(folder / f"{name}-{count}", name)
    hand_in(course, name, mixed(name), count)
    shutil.copy2(course / "gradebook.db", course / "gradebook.fresh")
    return course


# -- grading and what it takes ---------------------------------------------------------


def grading(course: Path, name: str, *words: str) -> subprocess.Popen:
    """Start grading a class."""
    command = [sys.executable, "-m", "autograder", "grade", name, *words]
    return subprocess.Popen(
        [*command, "--course", "."], cwd=course, env=ONE_THREAD,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(processes: Sequence[subprocess.Popen]) -> None:
    """Wait for them; what one has written is shown if it failed."""
    for process in processes:
        _, errors = process.communicate()
        if process.returncode:
            words = " ".join(process.args[1:])
            raise SystemExit(f"{words} failed:\n{errors[-3000:]}")


def forget(course: Path) -> None:
    """Take a course back to where nothing was graded."""
    for made in ("autograded", ".autograder/results", ".autograder/recorded"):
        shutil.rmtree(course / made, ignore_errors=True)
    shutil.copy2(course / "gradebook.fresh", course / "gradebook.db")


def cost(course: Path, name: str, *commands: Sequence[str]) -> Cost:
    """Grade a class from nothing by commands at the same time, then record the rest."""
    forget(course)
    before = busy_seconds()
    started = perf_counter()
    processes = [grading(course, name, *words) for words in commands]
    with Watch([process.pid for process in processes]) as watch:
        ended(processes)
    if len(commands) > 1:  # parts leave the gradebook alone
        ended([grading(course, name, "--jobs", "2")])
    seconds = perf_counter() - started
    return Cost(seconds, busy_seconds() - before, watch.peak)


class Watch:
    """Follows the memory of processes and their children, but not into a sandbox."""

    def __init__(self, roots: Sequence[int]):
        self.roots, self.peak, self.over = roots, 0, threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _follow(self) -> None:
        last = 0
        while not self.over.wait(0.25):
            now = sum(highest(pid) for pid in trusted(self.roots))
            # A process that is just being started still shows its parent's memory.
            self.peak = max(self.peak, min(last, now))
            last = now


def trusted(roots: Sequence[int]) -> Iterator[int]:
    """List the processes below these, themselves included, but for sandboxes."""
    for pid in roots:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "bwrap":
                continue
            yield pid
            for task in Path(f"/proc/{pid}/task").iterdir():
                children = (task / "children").read_text().split()
                yield from trusted([int(child) for child in children])


def highest(pid: int) -> int:
    """Return the most memory a process has had, in bytes; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return 0


# -- two workers that stand ready ------------------------------------------------------


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Start a Dask scheduler and two workers here; give the scheduler's address."""
    from distributed import Client

    told = folder / "scheduler.json"
    here = ["--host", "127.0.0.1", "--scheduler-file", str(told), "--no-dashboard"]
    two = ["--nthreads", "1", "--nworkers", "2"]
    started = [dask(folder, "scheduler", *here, "--port", "0")]
    try:
        started.append(dask(folder, "worker", *here, *two))
        with Client(scheduler_file=str(told), timeout=START_SECONDS) as client:
            client.wait_for_workers(2, timeout=START_SECONDS)
            address = client.scheduler.address
        yield address
    except TimeoutError as error:
        logs = "\n".join(log.read_text()[-1500:] for log in folder.glob("*.log"))
        raise SystemExit(f"the Dask cluster did not start: {error}\n{logs}") from error
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGINT)
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def dask(folder: Path, part: str, *words: str) -> subprocess.Popen:
    """Start one process of a cluster."""
    with (folder / f"{part}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{part}", *words],
            cwd=folder, env=ONE_THREAD, stdout=log, stderr=log,
        )  # fmt: skip


def results(course: Path, name: str) -> str:
    """Hash what came of every student."""
    digest = hashlib.sha256()
    for path in sorted((course / ".autograder/results" / name).rglob("result.json")):
        digest.update(path.relative_to(course).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


# -- measuring -------------------------------------------------------------------------


def compare_sizes(
    name: str, small: int, large: int, repeats: int, folder: Path
) -> None:
    """Grade a small class and a large one; note what a submission took in each."""
    courses = {count: class_of(folder, name, count) for count in (small, large)}
    found: dict[int, list[Cost]] = {small: [], large: []}
    for count in [small, large, small] * repeats:
        spent = cost(courses[count], name, ["--jobs", "2"])
        print(f"{name}, {count} submissions: {spent.seconds:.0f} s", flush=True)
        found[count].append(
            Cost(spent.seconds / count, spent.cpu / count, spent.memory / 1e9)
        )
    detail = f"medians of {2 * repeats} runs of {small}, {repeats} of {large:,}"
    for field, unit in (
        ("seconds", "s a submission"),
        ("cpu", "CPU s a submission"),
        ("memory", "GB"),
    ):
        one, other = (
            statistics.median(getattr(spent, field) for spent in found[count])
            for count in (small, large)
        )
        sides = {f"{small} submissions": one, f"{large:,} submissions": other}
        note(
            f"grading_scale/{name}-{field}", unit, sides,
            ratio=other / one, target=WITHIN, detail=detail,
        )  # fmt: skip


def compare_places(name: str, count: int, repeats: int, folder: Path) -> None:
    """Grade one class on this machine's own, on a cluster and in two parts."""
    course = class_of(folder / "places", name, count)
    found: dict[str, list[float]] = {}
    seen: dict[str, str] = {}
    with cluster(folder) as address:
        ways = {
            "--jobs 2": [["--jobs", "2"]],
            "--scheduler, two workers": [["--scheduler", address]],
            "--shard 1/2 beside 2/2": [
                ["--shard", f"{part}/2", "--jobs", "1"] for part in (1, 2)
            ],
        }
        for k in range(3 * repeats):
            for way in ways if k % 2 == 0 else reversed(ways):
                spent = cost(course, name, *ways[way])
                print(f"{name}, {count} by {way}: {spent.seconds:.0f} s", flush=True)
                found.setdefault(way, []).append(spent.seconds / count)
                seen[way] = results(course, name)
    if len(set(seen.values())) != 1:
        raise SystemExit(f"{name}: the results differ between {', '.join(seen)}")
    first, *others = ways
    medians = {way: statistics.median(seconds) for way, seconds in found.items()}
    for way, short in zip(others, ("cluster", "shards"), strict=True):
        note(
            f"grading_scale/{name}-{short}", "s a submission",
            {first: medians[first], way: medians[way]},
            ratio=medians[way] / medians[first], target=WITHIN,
            detail=f"medians of {3 * repeats} runs of {count} submissions",
        )  # fmt: skip


def main() -> None:
    """Measure the assignments that were named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assignments", nargs="*", default=list(TARGETS))
    parser.add_argument(
        "--small", type=int, default=50, help="submissions, a multiple of 10"
    )
    parser.add_argument("--large", type=int, default=1000, help="likewise")
    parser.add_argument(
        "--compared", type=int, default=200, help="for cluster and shards; 0: not"
    )
    parser.add_argument("--repeats", type=int, default=1, help="rounds of everything")
    args = parser.parse_args()
    if args.compared and importlib.util.find_spec("distributed") is None:
        raise SystemExit("the comparison needs Dask: pip install distributed")
    if not Path("/proc/self/status").exists():
        raise SystemExit("this benchmark reads /proc: it needs Linux")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.assignments:
            compare_sizes(name, args.small, args.large, args.repeats, Path(folder))
            if args.compared:
                compare_places(name, args.compared, args.repeats, Path(folder))


if __name__ == "__main__":
    main()
