"""Grading from the command line: ``python -m autograder --help``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import __doc__ as package_doc
from autograder import quick_start  # noqa: F401
from autograder.assignment import AssignmentError
from autograder.cluster import ClusterError
from autograder.outcome import Outcome, Result, State
from autograder.sandbox import SandboxError
from autograder.wire import clean_line

if TYPE_CHECKING:
    from autograder.course import Course

EXIT = """\
exit codes:
  0  done (check: everything passed)
  1  check: points were lost; grade: some submissions need a person
     (not with --shard, which leaves that to the run that records)
  2  wrong usage, an assignment that cannot be released, nothing to grade
  3  the grader could not do its work (no sandbox, broken checks, no cluster)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    try:
        try:
            return _main(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # what a shell reports of a program ended by SIGPIPE


def _main(arguments: Sequence[str] | None) -> int:
    args = parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except (AssignmentError, FileExistsError, FileNotFoundError) as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 2
    except (SandboxError, ClusterError) as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("autograder: interrupted; finished work is kept", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    top = argparse.ArgumentParser(
        prog="python -m autograder",
        description=package_doc,
        epilog=EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_new_course(commands)
    _add_release(commands)
    _add_check(commands)
    _add_grade(commands)
    _add_report(commands)
    _add_doctor(commands)
    return top


Commands = argparse._SubParsersAction


def _trust(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--trust-submissions",
        action="store_true",
        help="run without a sandbox: you vouch for every line of the students' code",
    )


# --- new-course and release -----------------------------------------------------------


def _add_new_course(commands: Commands) -> None:
    command = commands.add_parser("new-course", help="make an empty course folder")
    command.add_argument("folder", type=Path)
    command.add_argument("--course-id", default="", help="its name; else the folder's")
    command.set_defaults(run=_new_course)


def _new_course(args: argparse.Namespace) -> int:
    from autograder.release import new_course

    for path in new_course(args.folder, args.course_id):
        print(path)
    return 0


def _add_release(commands: Commands) -> None:
    command = commands.add_parser(
        "release", help="make source and student notebook of an assignment"
    )
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("name", nargs="?")
    which.add_argument("--all", action="store_true", help="every assignment")
    command.add_argument("--course", type=Path, default=Path(), metavar="DIR")
    command.set_defaults(run=_release)


def _release(args: argparse.Namespace) -> int:
    from autograder.assignment import names
    from autograder.release import release

    for name in names() if args.all else [args.name]:
        release(name, args.course)
        print(args.course / "release" / name / f"{name}.ipynb")
    return 0


# --- check ----------------------------------------------------------------------------


def _add_check(commands: Commands) -> None:
    command = commands.add_parser("check", help="grade one notebook; needs no course")
    command.add_argument("name")
    command.add_argument("notebook", type=Path)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--student", default="", help="whose random inputs to draw")
    _trust(command)
    command.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    from autograder.assignment import load
    from autograder.grading import grade_notebook
    from autograder.sandbox import Sandbox

    task = load(args.name)
    if not args.notebook.exists() and not args.notebook.is_symlink():
        raise FileNotFoundError(f"there is no file {args.notebook}")
    trusted = args.trust_submissions
    with Sandbox(trusted=trusted, optimizers=task.optimizes) as sandbox:
        result = grade_notebook(args.notebook, task, sandbox, student=args.student)
    if args.json:
        print(json.dumps(result.public(), indent=1))
    else:
        print(as_text(result))
    if result.state is State.GRADER_ERROR:
        print(f"autograder: {result.reason}", file=sys.stderr)
        return 3
    return 0 if result.score == result.max_score else 1


def as_text(result: Result) -> str:
    """Return a result as lines for the terminal."""
    from autograder.grading import MARKS

    points = f"{result.score:g} of {result.max_score:g} points"
    if result.state is State.GRADER_ERROR:
        points = "not graded"
    lines = [f"{result.assignment}: {points}"]
    if result.state is not State.GRADED:
        lines.append(f"  {result.state}: {result.reason}")
    lines += [f"  note: {w}" for w in result.warnings]
    for check in result.checks:
        points = (
            f"{check.points:g}/{check.max_points:g}" if check.max_points else "advice"
        )
        lines.append(f"  {MARKS[check.outcome]} {points:>7}  {check.sentence}")
        if check.outcome is not Outcome.PASSED:
            lines += [f"             {t}" for t in (check.message, check.hint) if t]
    return "\n".join(lines)


# --- grade ----------------------------------------------------------------------------


def _add_grade(commands: Commands) -> None:
    command = commands.add_parser("grade", help="grade the collected submissions")
    command.add_argument("name")
    command.add_argument("--course", type=Path, default=Path(), metavar="DIR")
    command.add_argument("--student", action="append", metavar="ID", help="only these")
    command.add_argument("--force", action="store_true", help="grade again")
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", type=_count, metavar="N", help="processes (as CPUs allow)"
    )
    where.add_argument(
        "--scheduler",
        type=_address,
        metavar="tcp://HOST:PORT",
        help="grade on a Dask cluster (or tls://…)",
    )
    command.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="grade part I of N of the class, then help the others; record nothing",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    _trust(command)
    command.set_defaults(run=_grade)


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return number


def _shard(text: str) -> tuple[int, int]:
    """Read a part of a class, such as 2/8.

    >>> _shard("2/8")
    (2, 8)
    """
    words = text.split("/")
    if len(words) == 2 and all(w.isdecimal() for w in words):
        number, count = map(int, words)
        if 1 <= number <= count:
            return number, count
    raise argparse.ArgumentTypeError(
        f"{text!r} is no part of a class: 1/8, 2/8 … 8/8 are the parts of eight"
    )


def _address(text: str) -> str:
    from autograder.cluster import ADDRESS

    if not ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no scheduler's address, which is like tcp://10.0.0.5:8786 "
            "or tls://grader.example.org:8786"
        )
    return text


def _grade(args: argparse.Namespace) -> int:
    from autograder.course import Course
    from autograder.gradebook import record
    from autograder.pool import grade_all, others, shard

    if args.shard and args.student:
        raise AssignmentError("--shard divides the whole class: leave --student out")

    course = Course(args.course, trusted=args.trust_submissions)
    course.task(args.name)  # says so if it was never released
    if lacking := _lacking(course, args.name, args.student or ()):
        if args.json:
            print("[]")
        print(f"autograder: {lacking}", file=sys.stderr)
        return 2
    students = args.student or course.students(args.name)
    afterwards: list[str] = []
    if args.shard:
        # With --force each part is graded anew, and so by one run only.
        afterwards = [] if args.force else others(students, *args.shard)
        students = shard(students, *args.shard)
    results = grade_all(
        course,
        args.name,
        students=students,
        afterwards=afterwards,
        force=args.force,
        jobs=args.jobs,
        scheduler=args.scheduler or "",
        quiet=args.json,
    )
    if not args.shard:
        record(course, args.name, results)
    if args.json:
        rows = [{"student": r.student, **r.public()} for r in results]
        print(json.dumps(rows, indent=1))
    else:
        for result in results:
            note = (
                ""
                if result.state is State.GRADED
                else f"  {result.state}: {result.reason}"
            )
            points = f"{result.score:6g} / {result.max_score:g}"
            if result.state is State.GRADER_ERROR:
                points = "not graded"
            print(f"{clean_line(result.student):24} {points}{note}")
    if args.shard:
        print(_unrecorded(args, len(results)), file=sys.stderr)
        return 0
    return int(any(r.state.needs_person for r in results))


def _unrecorded(args: argparse.Namespace, graded: int) -> str:
    number, count = args.shard
    return (
        f"autograder: part {number} of {count}, {graded} graded; nothing is recorded "
        f"yet. When all parts are done: python -m autograder grade {args.name}"
    )


def _lacking(course: Course, name: str, wanted: Sequence[str]) -> str:
    """Say what was looked for and not found; empty if there is something to grade."""
    submitted = course.students(name)
    if not submitted:
        place = course.root / "submitted" / "*" / name
        return f"nobody has submitted {name}: no folder is called {place}"
    if unknown := [student for student in wanted if student not in submitted]:
        place = course.root / "submitted" / unknown[0] / name
        return (
            f"{', '.join(unknown)} has submitted nothing for {name}: there is no "
            f"{place}; submitted have: {', '.join(submitted)}"
        )
    return ""


# --- report and doctor ----------------------------------------------------------------


def _add_report(commands: Commands) -> None:
    command = commands.add_parser("report", help="write a page on how it went")
    command.add_argument("name")
    command.add_argument("--course", type=Path, default=Path(), metavar="DIR")
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="else in the course"
    )
    command.set_defaults(run=_report)


def _report(args: argparse.Namespace) -> int:
    from autograder.course import Course
    from autograder.report import write_report

    print(write_report(Course(args.course), args.name, args.output))
    return 0


def _add_doctor(commands: Commands) -> None:
    command = commands.add_parser("doctor", help="say what this machine can isolate")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from autograder.sandbox import findings

    found = findings()
    if args.json:
        print(json.dumps([asdict(f) for f in found], indent=1))
    else:
        for f in found:
            mark = "✓" if f.ok else "✗" if f.needed else "–"
            print(f"{mark} {f.what}{'' if f.ok else ': ' + f.remedy}")
    return 0 if all(f.ok for f in found if f.needed) else 3


if __name__ == "__main__":
    sys.exit(main())
