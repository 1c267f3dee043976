"""A whole course with real nbgrader processes, from nothing to exported grades."""

import csv
import json
import shutil
import sqlite3

import nbformat
import pytest

pytestmark = pytest.mark.sandbox

WRONG = "def double(X):\n    return X * X"
CRASH = "import os\n\ndef double(X):\n    os._exit(0)"
SCORES = {"ada": 5.0, "ben": 2.0, "cleo": 2.0}


@pytest.fixture(scope="module")
def nbgrader(run):
    return lambda *words, **kwargs: run("nbgrader", *words, **kwargs)


def answer(path, source):
    """What a student does: open the fetched notebook and write the answers."""
    notebook = nbformat.read(path, as_version=4)
    texts = {"double": source, "total": "def total(X):\n    return X.sum()"}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = texts.get(name, cell.source)
        if name == "why":
            cell.source = "Because <script>alert('student')</script>."
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def life(released_course, nbgrader, tmp_path_factory):
    """Release, fetch, submit, collect, autograde, feedback: each a real command."""
    root = tmp_path_factory.mktemp("life")
    exchange = root / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    course = root / "course"
    shutil.copytree(released_course, course)
    place = f"--Exchange.root={exchange}"
    nbgrader("release_assignment", "tiny", place, cwd=course)
    sources = {"ada": "def double(X):\n    return X + X", "ben": WRONG, "cleo": CRASH}
    for student, source in sources.items():
        home = root / student
        home.mkdir()
        nbgrader("fetch_assignment", "tiny", "--course", "cnn", place, cwd=home)
        answer(home / "tiny" / "tiny.ipynb", source)
        nbgrader(
            "submit", "tiny", "--course", "cnn", "--student", student, place, cwd=home
        )
    nbgrader("collect", "tiny", place, cwd=course)
    done = nbgrader("autograde", "tiny", cwd=course)
    (root / "autograde.txt").write_text(done.stdout + done.stderr)
    nbgrader("generate_feedback", "tiny", cwd=course)
    nbgrader("release_feedback", "tiny", place, cwd=course)
    return course


def grades(course):
    """What stands in the gradebook: (student, cell) -> (score, needs a person)."""
    rows = sqlite3.connect(course / "gradebook.db").execute(
        """
        select a.student_id, b.name, g.auto_score, g.needs_manual_grade
        from grade g
        join base_cell b on b.id = g.cell_id
        join submitted_notebook n on n.id = g.notebook_id
        join submitted_assignment a on a.id = n.assignment_id
        """
    )
    return {(s, cell): (score, bool(person)) for s, cell, score, person in rows}


def test_the_scores_of_the_hidden_checks_reach_the_gradebook(life):
    found = grades(life)
    for student, score in SCORES.items():
        tests = [found[student, f"test_{a}"] for a in ("double", "total")]
        assert sum(points for points, _ in tests) == score
        assert not any(person for _, person in tests)


def test_autograde_says_nothing_of_the_inside_of_the_database(life):
    said = (life.parent / "autograde.txt").read_text()
    assert "Autograding" in said
    assert "Warning" not in said


def test_the_written_answer_waits_for_a_person(life):
    assert {grades(life)[s, "why"] for s in SCORES} == {(None, True)}


def test_grade_check_and_nbgrader_give_the_same_score(life, tiny, run):
    done = run("autograder", "grade", "tiny", "--json", cwd=life)
    assert {r["student"]: r["score"] for r in json.loads(done.stdout)} == SCORES
    for student, score in SCORES.items():
        path = life / "submitted" / student / "tiny" / "tiny.ipynb"
        done = run("autograder", "check", "tiny", path, "--json", cwd=tiny, check=False)
        assert json.loads(done.stdout)["score"] == score


def test_feedback_names_check_points_and_hint_but_not_the_checks(life):
    (page,) = (life / "feedback" / "ben").rglob("*.html")
    text = page.read_text()
    assert "Every number is doubled." in text
    assert "Squared?" in text
    assert "the-hidden-checks-say-this" not in text
    assert "HIDDEN TESTS" not in text


def test_feedback_holds_no_script_of_the_student(life):
    (page,) = (life / "feedback" / "ada").rglob("*.html")
    assert "<script>alert('student')" not in page.read_text()


def test_feedback_comes_back_through_the_exchange(life):
    released = life.parent / "exchange" / "cnn" / "feedback"
    assert len(list(released.rglob("*.html"))) == len(SCORES)


@pytest.mark.parametrize(
    ("exporter", "name"),
    [
        ("", "grades.csv"),
        ("autograder.exports.QuotedCsvExportPlugin", "grades.csv"),
        ("autograder.exports.CanvasExportPlugin", "canvas.csv"),
        ("autograder.exports.MoodleExportPlugin", "moodle.csv"),
    ],
)
def test_grades_are_exported(life, nbgrader, exporter, name):
    options = [f"--exporter={exporter}"] if exporter else []
    nbgrader("export", *options, cwd=life)
    rows = list(csv.reader((life / name).read_text().splitlines()))
    assert {"5.0", "5"} & {cell for row in rows for cell in row}


def test_validate_runs_the_visible_tests_in_the_sandbox(life, nbgrader):
    good = life / "submitted" / "ada" / "tiny" / "tiny.ipynb"
    bad = life / "submitted" / "ben" / "tiny" / "tiny.ipynb"
    assert "Success" in nbgrader("validate", good, cwd=life).stdout
    assert "VALIDATION FAILED" in nbgrader("validate", bad, cwd=life).stdout


def test_plain_nbgrader_gives_zero_and_says_why(course, submit, nbgrader):
    submit(course, "ada")
    config = course / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.CourseDirectory.course_id = 'cnn'\n")
    nbgrader("autograde", "tiny", cwd=course)
    found = grades(course)
    assert found["ada", "test_double"] == (0.0, False)
    assert found["ada", "test_total"] == (0.0, False)
    text = (course / "autograded" / "ada" / "tiny" / "tiny.ipynb").read_text()
    assert "the hidden checks of this course run outside the notebook" in text


def test_no_submission_stops_the_grading_of_the_others(
    course, submit, nbgrader, tmp_path
):
    """Notebooks that end a plain run of nbgrader, between two honest ones."""
    submit(course, "ada")
    submit(course, "zoe")
    secret = tmp_path / "secret.ipynb"
    shutil.copy(course / "submitted" / "ada" / "tiny" / "tiny.ipynb", secret)
    link = submit(course, "linker")
    link.unlink()
    link.symlink_to(secret)
    submit(course, "half").write_text("{")
    notebook = nbformat.read(secret, as_version=4)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["schema_version"] = 99
            cell.metadata["tags"] = ["skip-execution"]
    notebook.cells += notebook.cells[1:4]
    path = submit(course, "future")
    path.write_text(json.dumps(notebook))
    submit(course, "crash", {"double": CRASH})
    nbgrader("autograde", "tiny", cwd=course)
    found = grades(course)
    expected = {"ada": 3, "zoe": 3, "linker": 0, "half": 0, "future": 3, "crash": 0}
    assert {s: found[s, "test_double"][0] for s in expected} == expected
    assert {s for s in expected if found[s, "test_double"][1]} == {"linker", "half"}
