"""Batches of results in the gradebook, against what nbgrader's own autograde makes."""

import json
import shutil
import sqlite3
from contextlib import closing

import nbformat
import pytest
from traitlets.config.loader import PyFileConfigLoader

from autograder import gradebook
from autograder.assignment import AssignmentError
from autograder.course import Course
from autograder.outcome import State
from autograder.pool import grade_all
from autograder.recording import Recorder, is_ordinary
from autograder.release import CONFIG
from autograder.testing import notebook_of

pytestmark = pytest.mark.sandbox

WRONG = {"double": "def double(X):\n    return X"}
DUE = "2026-01-10 12:00:00.000000"
EARLY, LATE = "2026-01-09 12:00:00 UTC", "2026-01-11 12:00:00 UTC"
ZERO = '\nc.LateSubmissionPlugin.penalty_method = "zero"\n'

#: every column of every row that a submission has, by names instead of random ids
QUERIES = {
    "course": "select id from course",
    "student": "select id, first_name, last_name, email, lms_user_id from student",
    "submission": """
        select s.student_id, a.name, s.timestamp, s.extension
        from submitted_assignment s join assignment a on a.id = s.assignment_id
    """,
    "notebook": """
        select s.student_id, n.name, m.flagged, m.late_submission_penalty
        from submitted_notebook m join notebook n on n.id = m.notebook_id
        join submitted_assignment s on s.id = m.assignment_id
    """,
    "grade": """
        select s.student_id, b.name, b.type, g.auto_score, g.manual_score,
               g.extra_credit, g.needs_manual_grade
        from grade g join base_cell b on b.id = g.cell_id
        join submitted_notebook m on m.id = g.notebook_id
        join submitted_assignment s on s.id = m.assignment_id
    """,
    "comment": """
        select s.student_id, b.name, b.type, c.auto_comment, c.manual_comment
        from comment c join base_cell b on b.id = c.cell_id
        join submitted_notebook m on m.id = c.notebook_id
        join submitted_assignment s on s.id = m.assignment_id
    """,
}


def tables(root):
    with closing(sqlite3.connect(root / "gradebook.db")) as book:
        return {
            name: sorted(map(repr, book.execute(query)))
            for name, query in QUERIES.items()
        }


def change(root, *statements):
    with closing(sqlite3.connect(root / "gradebook.db")) as book:
        for statement in statements:
            book.execute(statement)
        book.commit()


def files(root):
    """What is in the autograded folder: permissions and bytes."""
    found = sorted((root / "autograded").rglob("*"))
    return {
        str(path.relative_to(root)): (
            oct(path.stat().st_mode),
            path.read_bytes() if path.is_file() else None,
        )
        for path in found
    }


@pytest.fixture
def place(course, submit):
    """A class with something of everything, a due date and a penalty."""
    config = course / CONFIG
    config.write_text(config.read_text() + ZERO)
    for student, stamp in (("ada", EARLY), ("ben", LATE), ("dora", LATE)):
        path = submit(course, student, WRONG if student == "ben" else {})
        path.with_name("timestamp.txt").write_text(stamp)
    submit(course, "cleo").write_text("{")
    submit(course, "eve", notebook=notebook_of("tiny", {}, fill="stub"))
    blank = nbformat.read(course / "release" / "tiny" / "tiny.ipynb", as_version=4)
    files = submit(course, "finn", notebook=blank).parent
    (files / "data").mkdir()
    (files / "data" / "own.txt").write_text("finn's")
    (files / "helper.py").write_text("finn's")
    (files / "other.ipynb").write_text("{}")
    (course / "source" / "tiny" / "helper.py").write_text("the instructor's")
    submit(course, "gus")
    change(course, f"update assignment set duedate = '{DUE}'")
    return Course(course)


def by_nbgrader(course, run):
    """The same results, recorded by nbgrader's command."""
    twin = shutil.copytree(course.root, course.root.with_name("twin"))
    run("nbgrader", "autograde", "tiny", "--force", cwd=twin)
    return twin


def test_rows_and_files_are_those_of_nbgrader(place, submit, run):
    grade_all(place, "tiny", jobs=2)
    place.write_failure("tiny", "gus", "a grading process ended")
    results = grade_all(place, "tiny")
    twin = by_nbgrader(place, run)
    assert len(gradebook.record(place, "tiny", results)) == 7
    assert tables(place.root) == tables(twin)
    assert files(place.root) == files(twin)

    found = " ".join(tables(place.root)["notebook"])
    assert "('ben', 'tiny', 0, 2.0)" in found  # late: the points are taken off again
    assert "('ada', 'tiny', 0, None)" in found
    text = (place.root / "autograded" / "finn" / "tiny" / "helper.py").read_text()
    assert text == "the instructor's"

    # Handed in again, after a person has given points and written a comment.
    shutil.rmtree(twin)
    change(
        place.root,
        "update grade set manual_score = 1, extra_credit = 0.5",
        "update comment set manual_comment = 'See me.'",
        "update submitted_assignment set extension = '1970-01-04 00:00:00.000000'"
        " where student_id = 'ben'",
    )
    submit(place.root, "ada", WRONG)
    grade_all(place, "tiny", jobs=2)
    twin = by_nbgrader(place, run)
    again = grade_all(place, "tiny", force=True)
    written = gradebook.record(place, "tiny", again)
    assert written == ["ada", "gus"]
    shutil.rmtree(place.root / ".autograder" / "recorded")
    gradebook.record(place, "tiny", grade_all(place, "tiny"))
    run("nbgrader", "autograde", "tiny", "--force", "--student", "gus", cwd=twin)
    ours, theirs = tables(place.root), tables(twin)
    keep = ("ada", "ben", "cleo", "dora", "eve", "finn")
    for table in ours:
        mine, other = (
            [row for row in t[table] if row.startswith(tuple(f"('{s}'" for s in keep))]
            for t in (ours, theirs)
        )
        assert mine == other


def test_without_a_notebook_a_person_is_asked(place, submit):
    """Nothing handed in, a notebook of another name, a link that leads nowhere."""
    empty = submit(place.root, "nobody")
    empty.unlink()
    other = submit(place.root, "other")
    other.with_name("timestamp.txt").write_text(LATE)
    other.rename(other.with_name("mine.ipynb"))
    broken = submit(place.root, "broken")
    broken.with_name("data.txt").symlink_to("nowhere")
    who = ["nobody", "other", "broken"]
    results = grade_all(place, "tiny", students=who, jobs=2)
    assert gradebook.record(place, "tiny", results) == who
    rows = tables(place.root)
    for student in who:
        grades = [row for row in rows["grade"] if row.startswith(f"('{student}'")]
        assert len(grades) == 3
        assert all(row.endswith("None, None, None, 1)") for row in grades)
        assert not (place.root / "autograded" / student / "tiny").exists()
    stamps = {eval(row)[0]: eval(row)[2] for row in rows["submission"]}
    assert stamps == {
        "nobody": None,
        "other": "2026-01-11 12:00:00.000000",
        "broken": None,
    }


def ending(moment, number):
    """Return a method of the notes that ends the run when called that often."""
    original, calls = getattr(gradebook.Notes, moment), []

    def end(self, batch):
        calls.append(batch)
        if len(calls) == number:
            raise KeyboardInterrupt
        return original(self, batch)

    return end


def test_an_interrupted_batch_is_done_again(place, monkeypatch):
    """Files and rows of two batches; the run ends after the rows of the second."""
    monkeypatch.setattr(gradebook, "BATCH", 4)
    results = grade_all(place, "tiny", jobs=2)
    whole = shutil.copytree(place.root, place.root.with_name("whole"))
    gradebook.record(Course(whole), "tiny", results)
    for moment, number in (("remove", 2), ("write", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(gradebook.Notes, moment, ending(moment, number))
            with pytest.raises(KeyboardInterrupt):
                gradebook.record(place, "tiny", results)
    assert gradebook.record(place, "tiny", results) == ["eve", "finn", "gus"]
    assert tables(place.root) == tables(whole)
    assert files(place.root) == files(whole)
    assert gradebook.record(place, "tiny", results) == []


def test_a_course_that_converts_otherwise_is_left_to_nbgrader(place, monkeypatch):
    config = place.root / CONFIG
    more = "preprocessors += ['nbgrader.preprocessors.LimitOutput']"
    config.write_text(f"{config.read_text()}\nc.Autograde.autograde_{more}\n")
    results = grade_all(place, "tiny", students=["ada", "ben"], jobs=2)
    asked = []
    original = Recorder._one
    monkeypatch.setattr(
        Recorder, "_one", lambda self, r: asked.append(r.student) or original(self, r)
    )
    gradebook.record(place, "tiny", results)
    assert asked == ["ada", "ben"]
    assert any("('ben', 'test_double'" in row for row in tables(place.root)["grade"])


ORDINARY = {
    "": True,
    "c.LateSubmissionPlugin.penalty_method = 'zero'": True,
    "c.AssignLatePenalties.plugin_class = 'nbgrader.plugins.LateSubmissionPlugin'": (
        True
    ),
    "c.AssignLatePenalties.enabled = False": False,
    "c.Autograde.exporter_class = 'nbconvert.exporters.NotebookExporter'": False,
    "c.FilesWriter.files = ['more.txt']": False,
    "c.Autograde.permissions = 640": True,
}


@pytest.mark.parametrize(("line", "ordinary"), ORDINARY.items())
def test_our_configuration_is_known_as_such(course, line, ordinary):
    config = course / CONFIG
    config.write_text(f"{config.read_text()}\n{line}\n")
    loaded = PyFileConfigLoader(CONFIG, path=str(course)).load_config()
    assert is_ordinary(loaded) is ordinary


def test_a_gradebook_without_the_assignment_says_what_to_do(place):
    results = grade_all(place, "tiny", students=["ada"])
    (place.root / "gradebook.db").unlink()
    with pytest.raises(AssignmentError, match=r"release it again \(python -m autogr"):
        gradebook.record(place, "tiny", results)


def test_a_note_holds_what_was_recorded(place):
    (result,) = grade_all(place, "tiny", students=["ada"])
    gradebook.record(place, "tiny", [result])
    note = place.root / ".autograder" / "recorded" / "tiny" / "ada"
    assert json.loads(note.read_text())["key"] == result.key
    assert result.state is State.GRADED
    notes = gradebook.Notes(place, "tiny")
    assert notes.say(result)
    result.reason = "another"
    assert not notes.say(result)
