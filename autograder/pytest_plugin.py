"""Hidden checks as pytest tests: the fixtures, the markers, and what came of each.

The grader runs this in its own process. ``pytest autograder/checks/test_corr2d.py
--submission notebook.ipynb`` runs the same checks for the person who writes them.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import io
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from _pytest.config import _prepareconfig
from _pytest.runner import runtestprotocol

from autograder.assignment import Assignment, AssignmentError
from autograder.outcome import CheckResult, Outcome
from autograder.sandbox import Room, Sandbox
from autograder.student import (
    Answers,
    Budget,
    BudgetSpent,
    Part,
    Student,
    StudentError,
    StudentMissing,
    StudentTimeout,
    StudentUnanswered,
)
from autograder.wire import clean_text

MAX_SESSIONS = 8  # kept ready; a course has a few assignments
MARKERS = (
    "points(n, cell=None): what the check is worth, and the answer that it belongs to",
    "depends(*names): checks that must pass first",
    "hint(text): used when nothing more specific is known",
    "deadline(seconds): for each call",
)


@dataclass
class Run:
    """One submission and what its checks come to."""

    assignment: Assignment
    answers: Answers | None  # None: only list the checks
    sandbox: Sandbox | None = None
    student: str = ""
    budget: Budget = field(default_factory=Budget)
    results: dict[str, CheckResult] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)  # check -> cases not yet passed
    errors: list[str] = field(default_factory=list)  # why the checks cannot be used
    asked: dict[Any, list[Part]] = field(default_factory=dict)  # what checks share

    @property
    def timed_out(self) -> bool:
        """Whether the submission has used up its time."""
        return self.budget.gone


class Checks:
    """The pytest plugin of one run."""

    def __init__(self, run: Run, *, traceback: bool = True):
        self.run, self.traceback = run, traceback
        self.problems: dict[str, str] = {}
        self.unreadable: list[str] = []  # why there are no checks to collect
        self.rooms: dict[str, Room] = {}  # of checks with cases still to come
        self.alone = False  # whether a case is tried again, sharing no process

    def pytest_configure(self, config: pytest.Config) -> None:
        """Declare the markers."""
        for line in MARKERS:
            config.addinivalue_line("markers", line)

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Iterator[Student]:
        """Offer the student's functions, newly loaded, in a process of the check's."""
        run = self.run
        if run.sandbox is None or run.answers is None:
            raise RuntimeError("there is no submission to check")
        marker = request.node.get_closest_marker("deadline")
        seconds = float(marker.args[0]) if marker else None
        check = _check(request.node)
        proxy = Student(
            run.sandbox,
            run.answers,
            run.budget,
            call_seconds=seconds,
            room=self.rooms.pop(check, None),
            asked=run.asked,
            draw=lambda name: self._draw(request.node, name, name),
            alone=self.alone,
        )
        request.node.stash[_STUDENT] = proxy
        yield proxy
        room = proxy.leave() if self._goes_on(check) else None
        if room:
            self.rooms[check] = room
        proxy.close()

    def _goes_on(self, check: str) -> bool:
        """Tell whether all is well so far and another case will be tried."""
        undecided = self.run.results[check].outcome is _UNDECIDED
        return undecided and self.run.cases[check] > 0 and check not in self.problems

    def pytest_sessionfinish(self) -> None:
        """Close what is left when somebody chose only some of a check's cases."""
        self.close_rooms()

    def close_rooms(self) -> None:
        """Close the rooms that were kept for cases to come."""
        while self.rooms:
            self.rooms.popitem()[1].close()

    @pytest.fixture
    def draw(self, request: pytest.FixtureRequest) -> Any:
        """Draw random inputs, seeded by assignment, student, check and case."""
        return self._draw(request.node, request.node.name, _case(request.node))

    def _draw(self, item: pytest.Item, name: str, case: str) -> Any:
        """Seed by assignment, student and name; the check's result says how."""
        from autograder.checking import Draw

        text = "\0".join((self.run.assignment.name, self.run.student, name))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
        self.run.results[_check(item)].seeds[case] = seed
        return Draw(seed)

    # --- collecting ---

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Run nothing of checks that cannot be used."""
        if self.run is _NOBODY:
            return
        self.begin(self.run, items)
        if self.run.errors or self.run.answers is None:
            items.clear()

    def begin(self, run: Run, items: Sequence[pytest.Item]) -> None:
        """Make a result for each check, failed until all of its cases have passed."""
        self.run, self.problems = run, {}
        run.errors += self.unreadable
        for item in items:
            item.stash = pytest.Stash()
            item._report_sections.clear()
            name = _check(item)
            self.run.cases[name] = self.run.cases.get(name, 0) + 1
            if name not in self.run.results:
                try:
                    self.run.results[name] = self._new_result(item, name)
                except AssignmentError as error:
                    self.run.errors.append(str(error))
        if not self.run.errors:
            self._compare_points()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a check file that cannot be imported."""
        if report.failed:
            text = report.longreprtext
            self.unreadable.append(f"the checks cannot be read: {text}")

    def _new_result(self, item: pytest.Item, name: str) -> CheckResult:
        sentence = inspect.getdoc(getattr(item, "function", None)) or ""
        marker = item.get_closest_marker("points")
        if not sentence or marker is None or not marker.args:
            raise AssignmentError(f"check {name} needs a docstring and points(n)")
        for marker_ in item.iter_markers("depends"):
            for other in marker_.args:
                if other not in self.run.results:
                    raise AssignmentError(
                        f"check {name} depends on {other}, which is not above it"
                    )
        cell = marker.kwargs.get("cell") or self.run.assignment.owner(name)
        return CheckResult(
            name=name,
            cell=cell,
            sentence=" ".join(sentence.split("\n\n")[0].split()),
            max_points=float(marker.args[0]),
            outcome=Outcome.GRADER_ERROR,
            message="This check was not run.",
        )

    def _compare_points(self) -> None:
        for cell, points in self.run.assignment.points.items():
            own = [r.max_points for r in self.run.results.values() if r.cell == cell]
            if abs(sum(own) - points) > 1e-9:
                self.run.errors.append(
                    f"the checks of {cell} are worth {sum(own):g} points, but its "
                    f"grade cell test_{cell} is worth {points:g}"
                )
        graded = self.run.assignment.points
        for result in self.run.results.values():
            if result.cell not in graded and result.max_points:
                self.run.errors.append(
                    f"check {result.name} gives points to {result.cell}, which has no "
                    "grade cell"
                )

    # --- running ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool:
        """Run a case; if it fails in a used process, once more in one of its own.

        What an honest answer does once, such as registering something with PyTorch, it
        cannot do a second time in the same process. Sharing one costs nobody a point.
        """
        before = copy.copy(self.run.results[_check(item)])
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if self._deserves_its_own(item):
            self.run.results[before.name] = before
            self.alone = True
            try:
                reports = runtestprotocol(item, log=False, nextitem=nextitem)
            finally:
                self.alone = False
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _deserves_its_own(self, item: pytest.Item) -> bool:
        """Tell whether a case failed in a used process, but not for want of time."""
        proxy, error = item.stash.get(_STUDENT, None), item.stash.get(_ERROR, None)
        return (
            proxy is not None
            and proxy.used
            and not isinstance(error, StudentTimeout)
            and self.run.results[_check(item)].outcome is Outcome.FAILED
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a check whose answer is known already."""
        result = self.run.results[_check(item)]
        if result.outcome in _DECIDED or result.name in self.problems:
            pytest.skip("an earlier case did not pass")
        for marker in item.iter_markers("depends"):
            for other in marker.args:
                first = self.run.results[other]
                if first.outcome is not Outcome.PASSED:
                    result.outcome = Outcome.SKIPPED
                    result.message = (
                        f"Not tried, because this does not hold yet: {first.sentence}"
                    )
                    pytest.skip(result.message)
        if self.run.budget.gone:
            result.outcome = Outcome.FAILED
            result.message = "Not tried: the time for this submission is used up."
            pytest.skip(result.message)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Turn what happened into an outcome."""
        if not self.traceback:  # nobody reads it, and to make one parses the checks
            item.repr_failure = _no_traceback  # type: ignore[assignment, method-assign]
        report = yield
        result = self.run.results[_check(item)]
        if call.excinfo is not None:
            self._note_failure(item, call, result)
        elif call.when == "call":
            self.run.cases[result.name] -= 1
            if self.run.cases[result.name] == 0 and result.outcome is _UNDECIDED:
                result.outcome = Outcome.PASSED
                result.message = result.sentence
                result.points = result.max_points
        return report

    def _note_failure(
        self, item: pytest.Item, call: pytest.CallInfo[None], result: CheckResult
    ) -> None:
        from autograder.checking import CheckFailed, student_failed

        assert call.excinfo is not None
        error = call.excinfo.value
        if isinstance(error, pytest.skip.Exception):
            return
        result.points = 0.0
        if call.when == "call" and isinstance(error, pytest.fail.Exception):
            error = CheckFailed(str(error.msg))
        if call.when == "call" and student_failed(error):
            item.stash[_ERROR] = error
            result.outcome = Outcome.FAILED
            text = hint = ""
            if isinstance(error, CheckFailed | StudentError):
                text, hint = error.message, error.hint
            result.message = text or f"This does not hold: {result.sentence}"
            # Where nothing was written, no mistake was made that a hint could name.
            empty = isinstance(error, StudentMissing | StudentUnanswered)
            result.hint = hint or ("" if empty else _hint(item))
            result.example = _example(item.stash.get(_STUDENT, None))
            if isinstance(error, BudgetSpent):
                self.run.budget.spent = max(
                    self.run.budget.spent, self.run.budget.total
                )
            return
        result.outcome = Outcome.GRADER_ERROR
        result.message = "The grader failed here, not you. A person will look at it."
        details = "".join(traceback.format_exception_only(error)).strip()
        self.problems[result.name] = clean_text(details, 1000)


def _no_traceback(*_: Any) -> str:
    return ""


_NOBODY: Any = object()  # whose run it is while checks are collected for whoever comes
_UNDECIDED = Outcome.GRADER_ERROR
_DECIDED = (Outcome.FAILED, Outcome.SKIPPED)
_STUDENT = pytest.StashKey[Student]()
_ERROR = pytest.StashKey[BaseException]()  # why the case did not pass


def _check(item: pytest.Item) -> str:
    return getattr(item, "originalname", None) or item.name


def _case(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return callspec.id if callspec else ""


def _hint(item: pytest.Item) -> str:
    """Return the hint of the case, else of the marker."""
    callspec = getattr(item, "callspec", None)
    for value in callspec.params.values() if callspec else ():
        hint = getattr(value, "hint", "")
        if isinstance(hint, str) and hint:
            return hint
    marker = item.get_closest_marker("hint")
    return str(marker.args[0]) if marker else ""


def _example(proxy: Student | None) -> str:
    """Return what the answer gave last, in a few words, for the instructor."""
    import torch

    from autograder.checking import _short

    value = proxy.last if proxy else None
    if isinstance(value, torch.Tensor) and value.ndim <= 2 and value.numel() <= 64:
        return clean_text(value.tolist(), 400)
    return clean_text(_short(value), 200) if value is not None else ""


def run_checks(run: Run, path: Path) -> dict[str, str]:
    """Run the checks of a file in this process; return the grader's own problems.

    The results stand in ``run``. pytest gets no configuration, no cache, no plugin but
    ours, and nothing of the student's is ever on the path. A file is collected once in
    a process, and again when it has changed: what a check keeps in a global variable is
    seen by the next submission's check.
    """
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()) as printed:
        warnings.simplefilter("ignore")  # a warning here is nobody's mistake
        with redirect_stderr(printed):
            return _collected(path).run(run)


class _Collected:
    """A pytest session that stands ready: it has read its checks and waits for a run.

    To start pytest and collect takes longer than most submissions' checks.
    """

    kept: ClassVar[dict[Path, _Collected]] = {}

    def __init__(self, path: Path, text: bytes):
        self.path, self.text = path, text
        self.plugin = Checks(_NOBODY, traceback=False)
        sys.modules.pop(path.stem, None)  # checks of that name from another folder
        config = _prepareconfig(arguments(path), [self.plugin])
        self.session = pytest.Session.from_config(config)
        config._do_configure()
        config.hook.pytest_sessionstart(session=self.session)
        try:
            config.hook.pytest_collection(session=self.session)
        except pytest.UsageError as error:  # no such file
            self.plugin.unreadable.append(f"the checks cannot be read: {error}")

    def run(self, run: Run) -> dict[str, str]:
        """Run what was collected for one submission, with nothing of the last one."""
        plugin, items = self.plugin, self.session.items
        plugin.begin(run, items)
        if not items and not run.errors:
            run.errors.append(f"there is no check in {self.path.name}")
        if run.errors or run.answers is None:
            return plugin.problems
        try:
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        except BaseException as error:
            self.kept.pop(self.path, None)  # half of it may still be set up
            if not isinstance(error, pytest.exit.Exception):
                raise
            run.errors.append(f"a check ended pytest: {error}")
        finally:
            plugin.close_rooms()
        return plugin.problems

    def close(self) -> None:
        """End the session."""
        self.session.config.hook.pytest_sessionfinish(
            session=self.session, exitstatus=0
        )
        self.session.config._ensure_unconfigure()


def _collected(path: Path) -> _Collected:
    """Return the session of a file of checks, a new one if the file has changed."""
    text = path.read_bytes() if path.is_file() else b""
    session = _Collected.kept.get(path)
    if session is None or session.text != text:
        _Collected.kept.pop(path, None)
        while len(_Collected.kept) >= MAX_SESSIONS:
            _Collected.kept.pop(next(iter(_Collected.kept))).close()
        if session:
            session.close()
        session = _Collected.kept[path] = _Collected(path, text)
    return session


def arguments(path: Path) -> list[str]:
    """Return the words with which pytest runs a file of checks and nothing else."""
    return [
        # Without its end, pytest would look through every folder above the checks.
        *("-c", os.devnull, f"--rootdir={path.parent}"),
        *("--noconftest", f"--confcutdir={path.parent}"),
        *("--import-mode=importlib", "--assert=plain", "--capture=no"),
        *("--strict-markers", "--disable-plugin-autoload"),
        *(word for name in _UNUSED for word in ("-p", f"no:{name}")),
        str(path),
    ]


_UNUSED = (
    "cacheprovider terminal doctest unittest junitxml faulthandler logging pastebin "
    "stepwise legacypath setuponly setupplan debugging warnings unraisableexception "
    "threadexception"
).split()

# --- pytest on the command line -------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--submission`` for people who write checks."""
    group = parser.getgroup("autograder")
    group.addoption(
        "--submission", metavar="NOTEBOOK", help="the notebook to be checked"
    )
    group.addoption("--student", default="", help="whose random inputs to draw")
    group.addoption("--trust-submissions", action="store_true", help="run unprotected")


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin for the submission that was named."""
    notebook = config.getoption("--submission", default=None)
    if not notebook:
        for line in MARKERS:
            config.addinivalue_line("markers", line)
        return
    from autograder import assignment, grading

    files = [Path(a.partition("::")[0]) for a in config.args]
    names = {f.stem.removeprefix("test_") for f in files if f.suffix == ".py"}
    if len(names) != 1:
        raise pytest.UsageError("--submission goes with one file of checks")
    task = assignment.load(names.pop())
    answers = grading.answers_of(Path(notebook), task)
    trusted = config.getoption("--trust-submissions")
    sandbox = Sandbox(trusted=trusted, optimizers=task.optimizes)
    student = config.getoption("--student")
    plugin = Checks(Run(task, answers, sandbox, student=student))
    config.pluginmanager.register(plugin, "autograder-checks")
    config.addinivalue_line("filterwarnings", "ignore")  # as when grading
    config.add_cleanup(sandbox.close)
