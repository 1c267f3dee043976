"""Claim: grading is at least 20 times as fast as nbgrader alone (lenet: 6 times).

    python benchmarks/grading_throughput.py [corr2d …] [--stock 6] [--ours 1000]

Both sides grade the same notebooks by the same hidden checks. The stock side is
``nbgrader autograde`` as it comes, with the checks placed in the notebook's own cells:
they run inside the kernel, call the student's functions directly, and their points
are the cells' partial credit. They stand there alone: a visible test that fails would
take the whole cell's points, so that the scores could not be compared. Ours is
``python -m autograder grade``: in the sandbox, on all processors, visible tests,
executed notebooks and gradebook rows included.

The sides take turns, ``--repeats`` times. Ours is given fewer advantages than it has:
its seconds are wall-clock time of the whole command, start included, divided by the
number of submissions. Of nbgrader only the submissions count: it grades one student
alone, then that student and all others, and the difference is divided by the others.

The scores must agree, each student's with the other side's; otherwise nothing is noted.
The overhead is the processor time of all of a side's processes less what students' code
and checks take when they run in one bare process, in which pytest has been started and
the checks have been collected. That is measured in every round, beside the two sides.
"""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

import nbformat
from measured import busy_seconds, note

HERE = Path(__file__).resolve().parent
TARGETS = {"corr2d": ">= 20", "pool2d": ">= 20", "lenet": ">= 6"}
OVERHEAD = "<= 0.25 CPU s a submission"
ALONE = "student-0000"
# A warning would cost all points there, as does all that is printed to stderr.
IN_KERNEL = """\
### BEGIN HIDDEN TESTS
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {folder!r})
from grading_throughput import points_in_kernel
points_in_kernel({name!r}, {answer!r}, globals())
### END HIDDEN TESTS"""


# -- submissions -----------------------------------------------------------------------


def submissions(name: str) -> list[nbformat.NotebookNode]:
    """Make the notebooks that take turns: right, one answer wrong, none given."""
    from autograder.assignment import load
    from autograder.testing import notebook_of

    solutions = {c.id: c.source for c in load(name).of("answer")}
    made = [notebook_of(name, {})]
    for answer, source in solutions.items():
        wrong = f"{source}\n\n_right = {answer}\n{WRONG.format(answer)}"
        made.append(notebook_of(name, {answer: wrong}))
    made.append(notebook_of(name, {}, fill="stub"))
    return made


WRONG = """
def {0}(*args, **kwargs):
    import torch

    result = _right(*args, **kwargs)
    if isinstance(result, torch.nn.Module):
        return torch.nn.Sequential(result, torch.nn.Linear(10, 10))
    if isinstance(result, tuple):
        return tuple(number + 1 for number in result)
    return result + 1"""


def hand_in(
    course: Path, name: str, notebooks: Sequence[nbformat.NotebookNode], count: int
) -> None:
    """Put ``count`` submissions into a course, the notebooks taking turns."""
    for i in range(count):
        folder = course / "submitted" / f"student-{i:04d}" / name
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebooks[i % len(notebooks)], folder / f"{name}.ipynb")


# -- nbgrader as it comes --------------------------------------------------------------


def stock_course(root: Path, name: str) -> Path:
    """Make a plain nbgrader course whose grade cells run the hidden checks."""
    from autograder.assignment import HIDDEN, read_source

    notebook = read_source(name)
    for cell in notebook.cells:
        answer = cell.metadata.get("nbgrader", {}).get("grade_id", "")[len("test_") :]
        if HIDDEN in cell.source:
            cell.source = IN_KERNEL.format(folder=str(HERE), name=name, answer=answer)
    source = root / "source" / name
    source.mkdir(parents=True)
    nbformat.write(notebook, source / f"{name}.ipynb")
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'stock'\n"
        "c.ExecutePreprocessor.timeout = 300\n"
    )
    command(root, "nbgrader", "generate_assignment", name)
    return root


def points_in_kernel(name: str, answer: str, namespace: dict) -> float:
    """Run the checks of one answer on the functions of this kernel; return the points.

    Points that are returned by a cell are its partial credit.
    """
    from autograder import assignment
    from autograder.pytest_plugin import Run
    from autograder.student import Answers

    task = assignment.load(name)
    code = [cell for cell in namespace.get("In", []) if f"def {answer}(" in cell]
    answers = Answers(
        cells=[], texts={**dict.fromkeys(task.answers, ""), answer: code[-1]}
    )
    run = Run(task, answers, sandbox=NoSandbox(namespace))
    run_bare(run, answer)
    return float(sum(r.points for r in run.results.values() if r.cell == answer))


def run_bare(run, answer: str) -> None:
    """Run the checks of one answer in a pytest of their own."""
    import pytest

    from autograder import assignment, pytest_plugin
    from autograder.outcome import Outcome

    class Some(pytest_plugin.Checks):
        def pytest_collection_modifyitems(self, items: list) -> None:
            super().pytest_collection_modifyitems(items)
            others = {n for n, r in self.run.results.items() if r.cell != answer}
            for other in others:
                self.run.results[other].outcome = Outcome.PASSED
            items[:] = [i for i in items if i.originalname not in others]

    path = assignment.checks_path(run.assignment.name)
    sys.modules.pop(path.stem, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plugins = [Some(run, traceback=False)]
        pytest.main(pytest_plugin.arguments(path), plugins=plugins)


class NoSandbox:
    """What a check needs of a sandbox, without one: the functions of this process."""

    asked = 0

    def __init__(self, namespace: dict):
        self.namespace = namespace

    def room(self) -> "NoSandbox":
        """Open a room that is no room."""
        from autograder.host import Desk

        self.desk = Desk()
        self.desk.module.__dict__.update(self.namespace)
        self.channel = self
        return self

    def send(self, request: dict, payload: bytes, deadline: float) -> None:
        """Answer at once."""
        if request["do"] == "load":
            request = {**request, "cells": []}
        header, self.data = self.desk.answer(request, payload)
        self.header = json.loads(json.dumps(header)) | {"id": request["id"]}

    def receive(self, deadline: float) -> tuple[dict, bytes]:
        """Return the answer."""
        return self.header, self.data

    def close(self, patience: float = 0.0) -> int:
        """Nothing ends."""
        return 0


def stock_scores(course: Path) -> dict[str, float]:
    """Read the automatic scores out of nbgrader's gradebook."""
    query = """
        SELECT s.student_id, SUM(COALESCE(g.auto_score, 0))
        FROM grade g JOIN submitted_notebook n ON g.notebook_id = n.id
        JOIN submitted_assignment s ON n.assignment_id = s.id GROUP BY s.student_id"""
    with sqlite3.connect(course / "gradebook.db") as gradebook:
        return dict(gradebook.execute(query))


# -- ours ------------------------------------------------------------------------------


def our_course(root: Path, name: str) -> Path:
    """Make a course of ours with the assignment released."""
    command(root.parent, "autograder", "new-course", str(root))
    command(root.parent, "autograder", "release", name, "--course", str(root))
    return root


def bare_seconds(name: str, notebooks: Sequence[nbformat.NotebookNode]) -> float:
    """Return the CPU seconds a submission's own code and checks take, in one process.

    Loading the cells is included, collecting the checks is not. The first of three
    turns, in which all is cold, does not count.
    """
    import torch

    from autograder import assignment, grading
    from autograder.pytest_plugin import Run, run_checks
    from autograder.submission import rebuild

    torch.set_num_threads(1)  # as on the other side
    task = assignment.load(name)
    path = assignment.checks_path(name)
    started = 0.0
    for turn in range(3):
        started = process_time() if turn == 1 else started
        for notebook in notebooks:
            kept = rebuild(json.loads(nbformat.writes(notebook)), task)
            answers = grading.answers_from(kept, task)
            namespace: dict = {"__name__": "__main__"}
            for cell in answers.cells:
                try:
                    exec(cell["source"], namespace)
                except Exception:
                    continue
            run = Run(task, answers, sandbox=NoSandbox(namespace))
            if run_checks(run, path) or run.errors:
                raise SystemExit(f"{name}: the checks broke: {run.errors}")
    return (process_time() - started) / 2 / len(notebooks)


# -- measuring -------------------------------------------------------------------------


def command(folder: Path, module: str, *words: str) -> None:
    """Run a command; what it printed is shown when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder, capture_output=True, text=True, env=ONE_THREAD, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{module} {' '.join(words)} failed:\n{done.stderr[-3000:]}")


# Each side may use every processor; a thread pool in each process would only disturb.
# Compiled modules are kept, as on every machine that is not told otherwise.
ONE_THREAD = {
    **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
    "OMP_NUM_THREADS": "1",
    # nbgrader starts alembic by name.
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}


def timed(folder: Path, module: str, *words: str) -> tuple[float, float]:
    """Return wall-clock seconds of a command, and CPU seconds of all meanwhile."""
    before = busy_seconds()
    started = perf_counter()
    command(folder, module, *words)
    wall = perf_counter() - started
    return wall, busy_seconds() - before


def grade_stock(course: Path, name: str, count: int) -> tuple[float, float]:
    """Grade one, then all; return seconds and CPU seconds of each of the others."""
    words = ("nbgrader", "autograde", name, "--create", "--force")
    shutil.rmtree(course / "autograded", ignore_errors=True)
    one = timed(course, *words, "--student", ALONE)
    shutil.rmtree(course / "autograded")
    whole = timed(course, *words)
    wall, cpu = ((a - b) / (count - 1) for a, b in zip(whole, one, strict=True))
    return wall, cpu


def grade_ours(course: Path, name: str, count: int) -> tuple[float, float]:
    """Grade all anew; return seconds and CPU seconds a submission."""
    for made in ("autograded", ".autograder/results", ".autograder/recorded"):
        shutil.rmtree(course / made, ignore_errors=True)
    wall, cpu = timed(course, "autograder", "grade", name, "--course", ".", "--force")
    return wall / count, cpu / count


def agreed_scores(stock: Path, ours: Path) -> int:
    """Count the students whose scores agree; end everything if one does not."""
    theirs, mine = stock_scores(stock), stock_scores(ours)
    apart = {
        student: (score, mine.get(student))
        for student, score in theirs.items()
        if abs(score - mine.get(student, float("inf"))) > 1e-6
    }
    if apart or not theirs:
        raise SystemExit(f"the scores differ, nbgrader's and ours: {apart}")
    return len(theirs)


def compare(name: str, stock: int, ours: int, repeats: int, folder: Path) -> None:
    """Measure one assignment, and print and note the medians."""
    notebooks = submissions(name)
    plain = stock_course(folder / f"stock-{name}", name)
    course = our_course(folder / f"ours-{name}", name)
    # one more than whole turns, as the first student is the one graded alone
    stock = 1 + len(notebooks) * max(1, round(stock / len(notebooks)))
    ours = len(notebooks) * max(2, round(ours / len(notebooks)))
    hand_in(plain, name, notebooks, stock)
    hand_in(course, name, notebooks, ours)
    theirs, mine, bare = [], [], []
    for k in range(repeats):
        bare.append(bare_seconds(name, notebooks))
        sides = [
            lambda: theirs.append(grade_stock(plain, name, stock)),
            lambda: mine.append(grade_ours(course, name, ours)),
        ]
        for side in sides if k % 2 == 0 else reversed(sides):
            side()
    compared = agreed_scores(plain, course)
    wall, cpu = (
        [statistics.median(pair[k] for pair in side) for side in (theirs, mine)]
        for k in (0, 1)
    )
    own = statistics.median(bare)
    overhead = [
        statistics.median(pair[1] - own for pair, own in zip(side, bare, strict=True))
        for side in (theirs, mine)
    ]
    print(
        f"{name:8} nbgrader {wall[0]:6.2f} s ({cpu[0]:5.2f} CPU)   "
        f"ours {wall[1]:6.3f} s ({cpu[1]:5.2f} CPU)   {wall[0] / wall[1]:5.1f} times   "
        f"code and checks {own:5.2f} CPU s, overhead {overhead[1]:5.2f}   "
        f"{compared} scores compared",
        flush=True,
    )
    detail = (
        f"medians of {repeats} rounds; {stock - 1} submissions with nbgrader, {ours} "
        f"with the autograder; {compared} scores compared, all equal"
    )
    names = "nbgrader", "the autograder"
    note(
        f"grading_throughput/{name}",
        "s a submission",
        dict(zip(names, wall, strict=True)),
        ratio=wall[0] / wall[1],
        target=TARGETS[name],
        detail=detail,
    )
    if min(overhead) <= 0:  # noise; there is nothing to tell apart
        print(f"{name}: no overhead could be measured ({overhead[1]:.3f} CPU s)")
        return
    note(
        f"grading_overhead/{name}",
        "CPU s a submission",
        dict(zip(names, overhead, strict=True)),
        ratio=overhead[0] / overhead[1],
        target=OVERHEAD,
        detail=f"beyond {own:.2f} CPU s of students' code and checks; {detail}",
    )


def main() -> None:
    """Measure the assignments that were named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assignments", nargs="*", default=list(TARGETS))
    parser.add_argument("--stock", type=int, default=6, help="submissions, stock side")
    parser.add_argument("--ours", type=int, default=1000, help="submissions, our side")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} processors; seconds a submission, medians")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.assignments:
            compare(name, args.stock, args.ours, args.repeats, Path(folder))


if __name__ == "__main__":
    main()
