"""One submission becomes one result, and its notebook carries the feedback."""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder import assignment as assignments
from autograder import submission as submissions
from autograder.assignment import Assignment, AssignmentError
from autograder.outcome import CheckResult, Outcome, Result, State
from autograder.sandbox import Sandbox, SandboxError
from autograder.student import Answers, Budget
from autograder.submission import Submission, Unreadable
from autograder.wire import clean_text


def answers_of(path: Path, task: Assignment) -> Answers:
    """Read a notebook and return what of it runs in the sandbox."""
    return answers_from(submissions.read(path, task), task)


def answers_from(kept: Submission, task: Assignment) -> Answers:
    """Return the part of a submission that runs in the sandbox."""
    return Answers(
        cells=submissions.cells_to_run(task, kept.answers),
        texts=kept.answers,
        left_out=kept.names_in_extras(),
    )


def grade_notebook(
    path: Path,
    task: Assignment,
    sandbox: Sandbox,
    *,
    student: str = "",
    budget: Budget | None = None,
) -> Result:
    """Grade one notebook; whatever is wrong with it becomes a state."""
    try:
        kept = submissions.read(path, task)
    except Unreadable as error:
        return unreadable(task, str(error), student)
    return grade(kept, task, sandbox, student=student, budget=budget)


def grade(
    kept: Submission,
    task: Assignment,
    sandbox: Sandbox,
    *,
    student: str = "",
    budget: Budget | None = None,
) -> Result:
    """Run the hidden checks of a submission."""
    from autograder.pytest_plugin import Run, run_checks

    run = Run(task, answers_from(kept, task), sandbox, student, budget or Budget())
    result = Result(task.name, State.GRADED, student=student, warnings=kept.warnings)
    try:
        problems = run_checks(run, assignments.checks_path(task.name))
    except (SandboxError, AssignmentError) as error:
        return grader_error(task, str(error), student)
    if run.errors:
        return grader_error(task, "; ".join(run.errors), student)
    result.checks = list(run.results.values())
    if any(c.outcome is Outcome.GRADER_ERROR for c in result.checks):
        result.state = State.GRADER_ERROR
        result.reason = "; ".join(f"{k}: {v}" for k, v in problems.items())
    elif run.timed_out:
        result.state = State.TIMED_OUT
        result.reason = f"more than {run.budget.total:g} seconds of computing"
    return result


def unreadable(task: Assignment, reason: str, student: str) -> Result:
    """Return the result of a notebook that cannot be read: every check failed."""
    result = Result(task.name, State.UNREADABLE, student=student, reason=reason)
    result.checks = listed_checks(task)
    for check in result.checks:
        check.outcome = Outcome.FAILED
        check.message = f"The notebook could not be read: {reason}."
    return result


def grader_error(task: Assignment, reason: str, student: str) -> Result:
    """Return the result of a submission that the grader could not grade."""
    result = Result(task.name, State.GRADER_ERROR, student=student, reason=reason)
    try:
        result.checks = listed_checks(task)
    except AssignmentError:
        return result
    return result


def listed_checks(task: Assignment) -> list[CheckResult]:
    """Return the checks of an assignment, none of them run."""
    from autograder.pytest_plugin import Run, run_checks

    run = Run(task, answers=None)
    run_checks(run, assignments.checks_path(task.name))
    if run.errors:
        raise AssignmentError("; ".join(run.errors))
    return list(run.results.values())


# --- feedback in the notebook ---------------------------------------------------------

MARKS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.SKIPPED: "–",
    Outcome.GRADER_ERROR: "?",
}


def feedback_lines(result: Result, cell: str) -> list[str]:
    """Return what the student reads about one answer."""
    lines = [f"Note: {w}" for w in result.warnings if f" {cell} " in f"{w} "]
    if result.state is State.TIMED_OUT:
        lines.append(f"Grading was stopped: {result.reason}.")
    if result.state is State.GRADER_ERROR and not result.checks:
        lines.append("The grader failed here, not you. A person will look at it.")
    for check in result.by_cell().get(cell, []):
        worth = (
            f"{check.points:g}/{check.max_points:g}" if check.max_points else "advice"
        )
        lines.append(f"{MARKS[check.outcome]} {worth:>7}  {check.sentence}")
        if check.outcome is not Outcome.PASSED:
            lines.append(f"           {check.message}")
        if check.hint:
            lines.append(f"           Hint: {check.hint}")
    return lines


def points_of(result: Result, cell: str) -> float | None:
    """Return the points of an answer's grade cell; None if a person has to decide."""
    own = result.by_cell().get(cell, [])
    if result.state is State.GRADER_ERROR or not own:
        return None
    return round(sum(c.points for c in own), 6)


def show_feedback(notebook: NotebookNode, task: Assignment, result: Result) -> None:
    """Replace what the grade cells printed by what the checks found.

    The output that nbgrader takes the score from is one finite number. What the visible
    tests printed stays as text, because no score depends on it.
    """
    tests = {c.id for c in task.of("tests")}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name not in tests:
            continue
        answer = task.answer_of(name)
        lines = feedback_lines(result, answer)
        visible = _visible_tests(cell.get("outputs", []))
        text = "\n".join([*lines, "", visible] if visible else lines)
        points = points_of(result, answer)
        cell.outputs = [
            new_output("stream", name="stdout", text=clean_text(text, 20_000) + "\n"),
            new_output(
                "execute_result",
                data={"text/plain": repr(float(points or 0.0))},
                execution_count=1,
            ),
        ]
        cell.execution_count = 1


def _visible_tests(outputs: list[NotebookNode]) -> str:
    for output in outputs:
        if output.output_type == "error":
            what = f"{output.ename}: {output.evalue}" if output.evalue else output.ename
            return f"The visible tests stopped with {clean_text(what, 500)}"
    return ""
