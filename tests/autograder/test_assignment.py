"""MyST sources become complete notebooks, and mistakes of authors are named."""

import pytest

from autograder import assignment
from autograder.assignment import AssignmentError
from autograder.release import release


@pytest.fixture
def written(tiny, monkeypatch, tmp_path):
    """Write another source for ``tiny`` and read it."""

    def write(change):
        text = (tiny / "assignments" / "tiny" / "tiny.md").read_text()
        (tmp_path / "tiny").mkdir(exist_ok=True)
        (tmp_path / "tiny" / "tiny.md").write_text(change(text))
        monkeypatch.setenv("AUTOGRADER_ASSIGNMENTS", str(tmp_path))
        return assignment.load("tiny")

    return write


def test_cells_have_roles_and_points(tiny):
    task = assignment.load("tiny")
    assert task.answers == ["double", "total"]
    assert task.points == {"double": 3, "total": 2}
    assert [c.id for c in task.of("setup", "written")] == ["setup", "why"]


def test_two_builds_are_the_same_bytes(tiny):
    assert assignment.read_source("tiny") == assignment.read_source("tiny")


def test_every_grade_cell_raises_under_plain_nbgrader(tiny):
    for cell in assignment.read_source("tiny").cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade") and not meta.get("solution"):
            assert "### BEGIN HIDDEN TESTS\nraise RuntimeError(" in cell.source
            assert meta["locked"]


def test_a_check_belongs_to_the_longest_answer_that_it_is_named_after():
    cells = [
        assignment.Cell(i, "answer", "code", "") for i in ("corr2d", "corr2d_padded")
    ]
    task = assignment.Assignment("x", tuple(cells))
    assert task.owner("test_corr2d_is_right") == "corr2d"
    assert task.owner("test_corr2d_padded_is_right") == "corr2d_padded"
    with pytest.raises(
        AssignmentError, match="belongs to no answer of x: its name must"
    ):
        task.owner("test_pool2d")


MISTAKES = [
    (lambda t: t.replace("grade_id: total", "grade_id: double"), "double stands twice"),
    (lambda t: t.replace("test_total", "tests"), "tests belongs to no answer"),
    (
        lambda t: t.replace("grade_id: total", "grade_id: a-b"),
        "'a-b' is none|belongs to no",
    ),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_a_mistake_in_the_source_is_named(written, change, message):
    with pytest.raises(AssignmentError, match=message):
        written(change)


def test_points_that_do_not_add_up_are_not_released(written, course):
    written(lambda t: t.replace("points: 3", "points: 4"))
    with pytest.raises(
        AssignmentError, match=r"worth 3 points, but its grade cell .* 4"
    ):
        release("tiny", course)


def test_an_unknown_assignment_lists_the_known_ones(tiny):
    with pytest.raises(AssignmentError, match="no assignment 'conv', but: tiny"):
        assignment.load("conv")


def test_missing_checks_are_named(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRADER_CHECKS", str(tmp_path))
    with pytest.raises(
        AssignmentError, match=r"checks of tiny are missing: test_tiny.py"
    ):
        assignment.checks_path("tiny")
