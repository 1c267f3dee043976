"""Results kept in a course folder, and the gradebook that is written from them."""

import os
import signal
import sqlite3
import threading
import time

import nbformat
import pytest

from autograder import gradebook, pool
from autograder.assignment import AssignmentError
from autograder.course import RESULT, Course
from autograder.outcome import State
from autograder.pool import grade_all
from autograder.progress import Progress
from autograder.sandbox import Sandbox

pytestmark = pytest.mark.sandbox

WRONG = {"double": "def double(X):\n    return X"}


@pytest.fixture
def place(course, tiny):
    return Course(course)


def rows(place):
    """What stands in the gradebook: (student, cell) -> (score, needs a person)."""
    with sqlite3.connect(place.root / "gradebook.db") as connection:
        found = connection.execute(
            """
            select a.student_id, b.name, g.auto_score, g.needs_manual_grade
            from grade g
            join base_cell b on b.id = g.cell_id
            join submitted_notebook n on n.id = g.notebook_id
            join submitted_assignment a on a.id = n.assignment_id
            """
        ).fetchall()
    connection.close()
    return {(s, cell): (score, bool(person)) for s, cell, score, person in found}


def test_a_folder_without_configuration_is_no_course(tmp_path):
    with pytest.raises(
        AssignmentError, match=r"is no course: there is no nbgrader_config"
    ):
        Course(tmp_path)


def test_a_result_is_kept_and_found_again(place, submit, sandbox):
    submit(place.root, "ada")
    assert place.find("tiny", "ada") is None
    result, notebook = place.result("tiny", "ada", sandbox)
    assert result.score == 5
    assert place.find("tiny", "ada") == result

    class NoSandbox(Sandbox):
        def __init__(self):
            pass

        def room(self):
            raise AssertionError("graded again")

    again, same = place.result("tiny", "ada", NoSandbox())
    assert (again, same) == (result, notebook)


def test_another_submission_is_graded_anew(place, submit, sandbox):
    submit(place.root, "ada")
    first, _ = place.result("tiny", "ada", sandbox)
    submit(place.root, "ada", WRONG)
    assert place.find("tiny", "ada") is None
    second, _ = place.result("tiny", "ada", sandbox)
    assert (first.score, second.score) == (5, 2)
    assert [r.score for r, _ in place.kept("tiny")] == [2]


def test_grading_by_force_writes_the_same_bytes(place, submit, sandbox):
    submit(place.root, "ada", WRONG)
    place.result("tiny", "ada", sandbox)
    (file,) = place.root.rglob(RESULT)
    before = file.read_bytes()
    place.result("tiny", "ada", sandbox, force=True)
    assert file.read_bytes() == before
    assert len(list(file.parent.parent.iterdir())) == 1


def test_nothing_half_written_is_ever_found(place, submit, sandbox, monkeypatch):
    """A kill between the files of a result leaves none; the next run makes it."""
    submit(place.root, "ada")

    def killed(path, data):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("autograder.course.write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            place.result("tiny", "ada", sandbox)
    assert place.find("tiny", "ada") is None
    assert not list(place.root.rglob(".writing-*"))
    assert place.result("tiny", "ada", sandbox)[0].score == 5


def test_the_notebook_shows_answers_outputs_and_feedback(place, submit, sandbox):
    source = "print('hello')\ndef double(X):\n    return X"
    submit(place.root, "ada", {"double": source})
    _, notebook = place.result("tiny", "ada", sandbox)
    cells = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
    assert cells["double"].outputs[0].text == "hello\n"
    feedback, score = cells["test_double"].outputs
    assert "✗     0/2  Every number is doubled." in feedback.text
    assert "The visible tests stopped with AssertionError" in feedback.text
    assert score.data["text/plain"] == "0.0"
    assert cells["test_total"].outputs[1].data["text/plain"] == "2.0"
    nbformat.validate(notebook)


def test_a_release_that_was_changed_is_not_graded_by(place, submit, sandbox):
    submit(place.root, "ada")
    (copy,) = (place.root / ".autograder" / "releases" / "tiny").glob("*.ipynb")
    copy.write_text(copy.read_text().replace("2.0", "3.0"))
    with pytest.raises(AssignmentError, match="the kept release of tiny was changed"):
        place.result("tiny", "ada", sandbox)


def test_a_class_with_everything_in_it_is_graded_and_recorded(place, submit, tmp_path):
    submit(place.root, "ada")
    submit(place.root, "ben", WRONG)
    submit(place.root, "cleo").write_text("{")
    missing = submit(place.root, "dora")
    missing.rename(missing.with_name("other.ipynb"))
    results = grade_all(place, "tiny", jobs=2)
    assert [(r.student, r.score, str(r.state)) for r in results] == [
        ("ada", 5, "graded"),
        ("ben", 2, "graded"),
        ("cleo", 0, "unreadable"),
        ("dora", 0, "unreadable"),
    ]
    assert gradebook.record(place, "tiny", results) == ["ada", "ben", "cleo", "dora"]
    found = rows(place)
    assert found["ada", "test_double"] == (3, False)
    assert found["ben", "test_double"] == (0, False)
    assert found["cleo", "test_double"] == (0, True)
    assert found["dora", "test_double"] == (None, True)
    assert gradebook.record(place, "tiny", results) == []

    # A worse resubmission: the old score does not survive it.
    submit(place.root, "ada", WRONG)
    gradebook.record(place, "tiny", grade_all(place, "tiny", students=["ada"]))
    assert rows(place)["ada", "test_double"] == (0, False)

    # The grader's own failure is neither zero nor full marks, and a person is asked.
    place.write_failure("tiny", "ada", "a grading process ended")
    failed = place.find("tiny", "ada")
    assert failed.state is State.GRADER_ERROR
    assert gradebook.record(place, "tiny", [failed]) == ["ada"]
    assert rows(place)["ada", "test_double"] == (None, True)

    # Graded again by wish, under the same key, it is recorded again.
    again = grade_all(place, "tiny", students=["ada"], force=True)
    assert gradebook.record(place, "tiny", again) == ["ada"]
    assert rows(place)["ada", "test_double"] == (0, False)


def test_a_lost_worker_costs_no_submission(place, submit):
    slow = "import time\ntime.sleep(1)\ndef double(X):\n    return 2 * X"
    submit(place.root, "ada", {"double": slow})
    killed = []

    def kill():
        until = time.monotonic() + 200
        while time.monotonic() < until and not killed:
            for process in pool.mp.active_children():
                time.sleep(3)
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)
                break
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    (result,) = grade_all(place, "tiny", jobs=1)
    thread.join()
    assert killed
    assert (result.score, result.state) == (5, State.GRADED)


def test_progress_shows_count_rate_and_time_left():
    progress = Progress(4, quiet=True)
    progress.started -= 60
    progress.step()
    assert progress.line() == "1/4 graded, 1 a minute, 3 min 00 s left"
