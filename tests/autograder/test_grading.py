"""From answers to outcomes: passed, failed, skipped, or the grader's own failure."""

import re

import pytest

from autograder import grading
from autograder.assignment import load
from autograder.outcome import Outcome, Result, State
from autograder.pytest_plugin import _Collected
from autograder.sandbox import Sandbox
from autograder.student import Budget
from autograder.submission import ExtraCell, Submission

pytestmark = pytest.mark.sandbox

RIGHT = {
    "double": "def double(X):\n    return 2 * X",
    "total": "def total(X):\n    return X.sum()",
}
NAME = "test_double_doubles_every_number"


@pytest.fixture
def grade(tiny, sandbox):
    def grade(
        double=RIGHT["double"], *, student="ada", box=sandbox, extras=(), **answers
    ):
        texts = {**RIGHT, "double": double, **answers}
        kept = Submission(answers=texts, extras=list(extras))
        budget = Budget(total=12, call=3, load=3)
        return grading.grade(kept, load("tiny"), box, student=student, budget=budget)

    return grade


def check(result, name=NAME):
    return next(c for c in result.checks if c.name == name)


def test_a_right_answer_gets_all_points(grade):
    result = grade()
    assert (result.state, result.score, result.max_score) == (State.GRADED, 5, 5)
    assert {c.outcome for c in result.checks} == {Outcome.PASSED}
    assert check(result).message == "Every number is doubled."


def test_a_wrong_answer_loses_its_own_points_and_dependents_are_skipped(grade):
    result = grade("def double(X):\n    return X * X")
    outcomes = {c.name: str(c.outcome) for c in result.checks}
    assert result.score == 2
    assert outcomes[NAME] == "failed"
    assert outcomes["test_double_leaves_its_argument_alone"] == "skipped"
    assert check(result).hint == "Squared?"


def test_the_hint_of_the_case_is_used_when_nothing_better_is_known(grade):
    wide = "def double(X):\n    return 2 * X if X.shape[0] == 1 else X"
    assert check(grade(wide)).hint == "Not square?"


def test_the_hint_of_the_marker_is_the_last_resort(grade):
    result = grade(total="def total(X):\n    return X.mean()")
    assert check(result, "test_total_adds_up").hint == "All of them."


@pytest.mark.parametrize(
    "source", ["", "def total(X):\n    raise NotImplementedError()"]
)
def test_no_hint_names_a_mistake_where_nothing_was_written(grade, source):
    assert check(grade(total=source), "test_total_adds_up").hint == ""


MESSAGES = [
    ("", "There is no answer in the cell double"),
    ("def dubble(X): ...", "define no function called double"),
    ("def double(X):\n    raise NotImplementedError()", "double is not answered yet"),
    ("def double(X:\n    pass", "The answer cell double raised SyntaxError"),
    ("1 / 0\ndef double(X): ...", "The answer cell double raised ZeroDivisionError"),
    ("def double(X):\n    return X[99]", r"IndexError: .* \(cell double, line 2\)"),
    ("def double(X):\n    pass", "double returned None; a torch.Tensor is expected"),
    ("def double(X):\n    return [1]", "double returned a list; a torch.Tensor is"),
    ("def double(X):\n    return X.numpy()", "returned a numpy array"),
    ("def double(X):\n    return object()", "double returned a object; a torch"),
    ("def double(X):\n    exit()", "double raised SystemExit"),
    ("import os\ndef double(X): os._exit(0)", "The process ended during: double"),
    ("def double(X):\n    while True: pass", "did not finish within 3 seconds"),
]


@pytest.mark.parametrize(("source", "message"), MESSAGES, ids=lambda s: s[:24])
def test_the_message_says_what_happened(grade, source, message):
    found = check(grade(source))
    assert found.outcome is Outcome.FAILED

    assert re.search(message, found.message), found.message


def test_a_name_from_an_extra_cell_gets_a_hint(grade):
    extras = [ExtraCell("code", "def helper(X):\n    return 2 * X", "setup")]
    found = check(grade("def double(X):\n    return helper(X)", extras=extras))
    assert "helper is defined in a cell of your own" in found.hint


def test_a_warning_a_print_and_a_plot_cost_nothing(grade):
    source = (
        "%matplotlib inline\nimport warnings, sys\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\nprint('hello')\n"
        "def double(X):\n    warnings.warn('x')\n    print(X, file=sys.stderr)\n"
        "    return 2 * X"
    )
    assert grade(source).score == 5


def test_advice_costs_nothing(grade):
    result = grade(total="def total(X):\n    return X.sum() if len(X) else X + 1")
    assert result.score == 5
    assert check(result, "test_total_is_fast").outcome is Outcome.FAILED


def test_grading_again_gives_the_same_bytes(grade):
    assert grade().dumps() == grade().dumps()
    wrong = "def double(X):\n    return X * X"
    assert grade(wrong).dumps() == grade(wrong).dumps()


def test_every_student_gets_other_inputs_and_they_are_recorded(grade):
    ada, ben = grade(student="ada"), grade(student="ben")
    assert check(ada).seeds != check(ben).seeds
    assert set(check(ada).seeds) == {"a row", "wide"}
    assert ada.score == ben.score


@pytest.mark.parametrize("options", [{"warm": False}, {"trusted": True}])
def test_other_ways_to_run_give_the_same_result(grade, options):
    with Sandbox(**options) as box:
        for source in (RIGHT["double"], "def double(X):\n    return X"):
            assert grade(source, box=box).dumps() == grade(source).dumps()


@pytest.fixture
def checks(tiny, monkeypatch, tmp_path):
    def write(change):
        text = (tiny / "checks" / "test_tiny.py").read_text()
        (tmp_path / "test_tiny.py").write_text(change(text))
        monkeypatch.setenv("AUTOGRADER_CHECKS", str(tmp_path))

    return write


def test_a_check_that_breaks_is_the_graders_failure_and_costs_nobody_silently(
    grade, checks
):
    checks(lambda t: t.replace("    X = draw.normal(3)\n", "    X = draw.nothing(3)\n"))
    result = grade()
    assert result.state is State.GRADER_ERROR
    assert result.state.needs_person
    broken = check(result, "test_double_leaves_its_argument_alone")
    assert broken.outcome is Outcome.GRADER_ERROR
    assert "The grader failed here, not you" in broken.message
    assert "nothing" in result.reason
    assert grading.points_of(result, "double") is None


BROKEN = [
    (lambda t: "import nothing_of_this_name\n" + t, "cannot be read"),
    (
        lambda t: t.replace('"""Every number is doubled."""', "pass"),
        "needs a docstring",
    ),
    (
        lambda t: t.replace("points(1)", "points(2)"),
        "worth 4 points, but its grade cell",
    ),
    (lambda t: t.replace('depends("test_double', 'depends("test_d'), "is not above it"),
    (
        lambda t: t.replace("def test_total_adds", "def test_sum_adds"),
        "belongs to no answer",
    ),
    (lambda t: "", "worth 0 points|NO_TESTS"),
]


@pytest.mark.parametrize(("change", "reason"), BROKEN)
def test_checks_that_cannot_be_used_fail_closed(grade, checks, change, reason):

    checks(change)
    result = grade()
    assert result.state is State.GRADER_ERROR
    assert re.search(reason, result.reason), result.reason
    assert result.score == 0


EMPTY_TASK = "import pytest\n\nX = 1\n"
FIRST_LINE = "    X = draw.normal(3)\n"
ENDS = "    pytest.exit('on purpose')\n"
LOUD = "    print('loud')\n"


def test_a_check_that_ends_pytest_is_the_graders_failure_once(grade, checks):
    """What comes after it is graded as if nothing had happened."""
    checks(lambda text: text.replace(FIRST_LINE, ENDS + FIRST_LINE, 1))
    result = grade()
    assert result.state is State.GRADER_ERROR
    assert "a check ended pytest: on purpose" in result.reason
    assert result.score == 0
    checks(lambda text: text)
    assert grade().score == 5


def test_checks_without_a_check_fail_closed(grade, checks):
    checks(lambda text: EMPTY_TASK)
    result = grade()
    assert result.state is State.GRADER_ERROR
    assert "the checks of double are worth 0 points" in result.reason


def test_checks_that_were_changed_are_read_anew(grade, checks):
    checks(lambda text: text)
    assert grade().score == 5
    checks(lambda text: text.replace("Every number is doubled.", "Twice as much."))
    assert check(grade()).message == "Twice as much."


def test_nothing_of_a_submission_is_found_in_the_result_of_the_next(grade):
    """One session grades them all: each result is that of a session of its own."""
    answers = [
        RIGHT["double"],
        "def double(X):\n    return X * X",
        "def double(X):\n    raise KeyError('a')",
        "def double(X):\n    return torch.ones(3)",
    ]
    alone = []
    for answer in answers:
        _Collected.kept.clear()
        alone.append(grade(answer, student="s").dumps())
    for _ in range(2):
        assert [grade(a, student="s").dumps() for a in answers] == alone
        answers.reverse()
        alone.reverse()


def test_what_a_check_prints_is_seen_by_nobody(grade, checks, capfd):
    checks(lambda text: text.replace(FIRST_LINE, LOUD + FIRST_LINE, 1))
    assert grade().score == 5
    assert capfd.readouterr() == ("", "")


def test_an_unreadable_notebook_lists_every_check_as_failed(tiny, sandbox, tmp_path):
    path = tmp_path / "tiny.ipynb"
    path.write_text("{")
    result = grading.grade_notebook(path, load("tiny"), sandbox)
    assert (result.state, result.score, result.max_score) == (State.UNREADABLE, 0, 5)
    assert "The notebook could not be read" in result.checks[0].message


def test_a_result_can_be_written_and_read(grade):
    result = grade("def double(X):\n    return X")
    assert Result.loads(result.dumps()) == result
    assert list(result.public()) == [
        "assignment",
        "state",
        "score",
        "max_score",
        "checks",
    ]
    assert list(result.public()["checks"][0]) == [
        "name", "points", "max_points", "outcome", "message", "hint"
    ]  # fmt: skip


# --- a check's cases share a process --------------------------------------------------

ONCE = """\
import multiprocessing
{0}def double(X):
{1}    return 2 * X
"""
ONLY_ONCE = "multiprocessing.set_start_method('spawn')\n"


def counted(monkeypatch):
    """Return a list that gets longer with every room that is opened."""
    opened, room = [], Sandbox.room
    monkeypatch.setattr(Sandbox, "room", lambda box: opened.append(1) or room(box))
    return opened


@pytest.mark.parametrize(
    ("double", "points", "rooms"),
    [
        # two cases; then the checks on its argument, and two of the other answer
        pytest.param(RIGHT["double"], 5, 4, id="right"),
        pytest.param("def double(X):\n    return X", 2, 3, id="first case wrong"),
        pytest.param(
            "def double(X):\n    return 2 * X if len(X) == 1 else X",
            *(2, 4),
            id="second case wrong, tried in a process of its own too",
        ),
    ],
)
def test_the_cases_of_a_check_share_a_process(
    double, points, rooms, grade, monkeypatch
):
    opened = counted(monkeypatch)
    assert grade(double).score == points
    assert len(opened) == rooms


@pytest.mark.parametrize("place", [0, 1], ids=["in the cell", "in the function"])
def test_what_can_be_done_once_in_a_process_costs_no_point(place, grade, monkeypatch):
    opened = counted(monkeypatch)
    words = [ONLY_ONCE, ""] if place == 0 else ["", f"    {ONLY_ONCE}"]
    result = grade(ONCE.format(*words))
    assert result.score == 5
    assert check(result).message == "Every number is doubled."
    assert len(opened) == 5


def test_a_case_finds_no_names_of_the_one_before(grade):
    counts = "calls = []\n\ndef double(X):\n    calls.append(X)\n    return 2 * X"
    assert grade(f"{counts} if len(calls) == 1 else X").score == 5


def test_a_case_that_was_too_slow_is_not_tried_again(grade, monkeypatch):
    opened = counted(monkeypatch)
    slow = "def double(X):\n    while len(X) > 1:\n        pass\n    return 2 * X"
    result = grade(slow)
    assert "did not finish within 3 seconds" in check(result).message
    assert len(opened) == 3


# --- checks that share a question -----------------------------------------------------

SHARING = '''\
import pytest
import torch


def doubled(student, draw):
    """Ask what two checks look at."""
    X = draw.normal(3)
    return X, student.call("double", X)


@pytest.mark.points(2)
def test_double_doubles(student):
    """Every number is doubled."""
    X, answer = student.once(doubled)
    assert torch.equal(answer, 2 * X)


@pytest.mark.points(1)
def test_double_keeps_the_shape(student):
    """The shape stays."""
    X, answer = student.once(doubled)
    assert answer.shape == X.shape


@pytest.mark.points(2)
def test_total_is_not_asked(student):
    """It is there."""
'''
ENDLESS = "def double(X):\n    while True:\n        pass"
COUNTED = """\
calls = []

def double(X):
    calls.append(X)
    return X * len(calls)
"""
AROUND = "    calls = [student.call('double', torch.ones(1)) for _ in range(2)]\n"


@pytest.fixture
def sharing(checks):
    """Write checks that share a question, with changes."""

    def write(old="", new=""):
        assert old in SHARING
        checks(lambda _: SHARING.replace(old, new, 1) if old else SHARING)

    write()
    return write


def test_what_checks_share_is_asked_once(sharing, grade, monkeypatch):
    opened = counted(monkeypatch)
    ada, ben = grade(student="ada"), grade(student="ben")
    assert (ada.score, ben.score, len(opened)) == (5, 5, 2)
    seeds = [[c.seeds for c in result.checks[:2]] for result in (ada, ben)]
    assert seeds[0][0] == seeds[0][1] != seeds[1][0]
    assert seeds[0][0].keys() == {"doubled"}


@pytest.mark.parametrize(
    ("double", "message"),
    [
        ("def double(X):\n    raise KeyError('a')", "double raised KeyError"),
        (ENDLESS, "did not finish within 3 seconds"),
        ("import os\n\ndef double(X):\n    os._exit(1)", "process ended during"),
        ("def double(X):\n    return 'a'", "a torch.Tensor is expected"),
    ],
    ids=["raised", "slow", "ended", "another type"],
)
def test_every_check_that_shares_it_says_what_went_wrong(
    double, message, sharing, grade, monkeypatch
):
    opened = counted(monkeypatch)
    result = grade(double)
    first, second, _ = result.checks
    assert message in first.message
    assert second.message == first.message
    assert result.score == 2
    assert len(opened) == 1


def test_each_check_judges_what_it_shares_for_itself(sharing, grade):
    first, second, _ = grade("def double(X):\n    return X").checks
    assert first.outcome is Outcome.FAILED
    assert second.outcome is Outcome.PASSED


def test_a_shared_question_that_breaks_is_the_graders_failure(sharing, grade):
    sharing("draw.normal(3)", "draw.nothing(3)")
    result = grade()
    assert result.state is State.GRADER_ERROR
    assert [c.outcome for c in result.checks[:2]] == [Outcome.GRADER_ERROR] * 2
    assert grading.points_of(result, "double") is None


def test_a_shared_question_has_a_process_of_its_own(sharing, grade):
    """It finds nothing of what the check asked before, and leaves nothing to it."""
    line = "    X, answer = student.once(doubled)\n"
    after = "    assert torch.equal(answer, X) and calls == [1, 2]\n"
    sharing(line, AROUND + line + after + AROUND + after + "    return\n")
    assert check(grade(COUNTED), "test_double_doubles").outcome is Outcome.PASSED


def test_the_cases_of_a_check_share_it_as_well(sharing, grade, monkeypatch):
    opened = counted(monkeypatch)
    sentence = '    """Every number is doubled."""\n'
    start = "{}def test_double_doubles(student{}):\n" + sentence
    cases = "@pytest.mark.parametrize('case', [1, 2])\n"
    call = "    student.call('double', torch.ones(case))\n"
    sharing(start.format("", ""), start.format(cases, ", case") + call)
    assert grade().score == 5
    assert len(opened) == 3  # the call of each case, and the question


# --- questions that have parts --------------------------------------------------------

PARTS = '''\
import pytest
import torch


def doubled(student, draw):
    """Ask for one number, for two, and for three."""
    for count in (1, 2, 3):
        X = draw.normal(count)
        yield X, student.call("double", X)


@pytest.mark.points(2)
def test_double_doubles(student):
    """One and two numbers are doubled."""
    for part in (0, 1):
        X, answer = student.once(doubled, part)
        assert torch.equal(answer, 2 * X)


@pytest.mark.points(1)
def test_double_doubles_three(student):
    """Three are doubled, too."""
    X, answer = student.once(doubled, 2)
    assert torch.equal(answer, 2 * X)


@pytest.mark.points(2)
def test_total_is_not_asked(student):
    """It is there."""
'''
REMEMBERS = """\
import builtins

builtins.loaded = getattr(builtins, "loaded", 0) + 1

def double(X):
    return 2 * X if loaded == 1 else X
"""


@pytest.fixture
def parts(checks):
    """Write checks that share a question of three parts, with changes."""

    def write(old="", new=""):
        assert old in PARTS
        checks(lambda _: PARTS.replace(old, new, 1) if old else PARTS)

    write()
    return write


@pytest.mark.parametrize(
    ("double", "points", "rooms"),
    [
        pytest.param(RIGHT["double"], (2, 1), 1, id="right"),
        pytest.param("def double(X):\n    return X", (0, 0), 1 + 3, id="all wrong"),
        pytest.param(
            "def double(X):\n    return 2 * X if len(X) < 3 else X",
            *((2, 0), 1 + 3),
            id="the last part wrong",
        ),
        pytest.param(
            "def double(X):\n    return 2 * X if len(X) < 3 else 1 / 0",
            *((2, 0), 1 + 3),
            id="the last part raises",
        ),
        pytest.param(
            "def double(X):\n    while len(X) == 3:\n        pass\n    return 2 * X",
            *((2, 0), 1),
            id="the last part too slow, which is not tried again",
        ),
        pytest.param("def double(X):\n    1 / 0", (0, 0), 1, id="the first raises"),
        pytest.param(COUNTED.replace("X *", "2 * X *"), (2, 1), 1, id="counts calls"),
        pytest.param(REMEMBERS, (2, 1), 1 + 3, id="remembers in its process"),
        pytest.param(ONCE.format(ONLY_ONCE, ""), (2, 1), 1 + 3, id="once, in the cell"),
        pytest.param(
            ONCE.format("", f"    {ONLY_ONCE}"), (2, 1), 1 + 3, id="once, when called"
        ),
    ],
)
def test_parts_share_a_process_unless_that_costs_a_point(
    double, points, rooms, parts, grade, monkeypatch
):
    opened = counted(monkeypatch)
    result = grade(double)
    assert result.state is State.GRADED
    assert tuple(c.points for c in result.checks[:2]) == points
    assert len(opened) == rooms


def test_a_part_that_fails_takes_those_after_it_along(parts, grade):
    double = "def double(X):\n    return 2 * X if len(X) != 2 else 1 / 0"
    first, last, _ = grade(double).checks
    assert "ZeroDivisionError" in first.message
    assert last.message == first.message


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("doubled, 3", "doubled has 3 parts, none of number 3"),
        ("doubled", "a question that yields is asked for the number"),
        ("lambda student, draw: 1, 0", "once(<lambda>, 0)"),
    ],
    ids=["too far", "no number", "no parts"],
)
def test_to_ask_for_what_is_no_part_is_the_graders_failure(asked, why, parts, grade):
    parts("student.once(doubled, 2)", f"student.once({asked})")
    result = grade()
    assert result.state is State.GRADER_ERROR
    assert why in result.reason
