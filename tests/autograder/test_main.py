"""The commands, as a person or a program uses them."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import nbformat
import pytest

from autograder.__main__ import main
from autograder.testing import notebook_of


@pytest.fixture
def notebook(tiny, tmp_path):
    def write(**answers):
        path = tmp_path / "submitted.ipynb"
        nbformat.write(notebook_of("tiny", answers), path)
        return str(path)

    return write


def test_help_lists_commands_and_exit_codes(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for word in (
        "new-course",
        "release",
        "check",
        "grade",
        "report",
        "doctor",
        "exit codes",
    ):
        assert word in text


@pytest.mark.sandbox
def test_check_prints_the_documented_json(notebook, capsys):
    assert main(["check", "tiny", notebook(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["score"], found["max_score"]) == ("graded", 5, 5)
    wrong = notebook(double="def double(X):\n    return X * X")
    assert main(["check", "tiny", wrong, "--json"]) == 1
    first = json.loads(capsys.readouterr().out)["checks"][0]
    assert first == {
        "name": "test_double_doubles_every_number",
        "points": 0.0,
        "max_points": 2.0,
        "outcome": "failed",
        "message": "4 of 4 numbers differ, the first at index (0, 0).",
        "hint": "Squared?",
    }


@pytest.mark.sandbox
def test_check_prints_sentence_message_and_hint(notebook, capsys):
    main(["check", "tiny", notebook(double="def double(X):\n    return X * X")])
    text = capsys.readouterr().out
    assert "tiny: 2 of 5 points" in text
    assert "✗     0/2  Every number is doubled." in text
    assert "Squared?" in text


@pytest.mark.sandbox
def test_doctor_finds_what_the_sandbox_needs(capsys):
    assert main(["doctor", "--json"]) == 0
    assert all(f["ok"] for f in json.loads(capsys.readouterr().out) if f["needed"])


def test_without_a_sandbox_grading_refuses(notebook, capsys, monkeypatch):
    monkeypatch.setattr("autograder.sandbox.shutil.which", lambda name: None)
    assert main(["check", "tiny", notebook()]) == 3
    text = capsys.readouterr().err
    assert "Submissions cannot be isolated on this machine" in text
    assert "Install the package bubblewrap" in text
    assert "--trust-submissions" in text
    assert main(["doctor"]) == 3


def test_trusted_submissions_are_graded_without_a_sandbox(
    notebook, capsys, monkeypatch
):
    monkeypatch.setattr("autograder.sandbox.shutil.which", lambda name: None)
    assert main(["check", "tiny", notebook(), "--trust-submissions"]) == 0


WRONG_USAGE = [
    (["check", "nothing", "x.ipynb"], "there is no assignment 'nothing', but: tiny"),
    (["check", "tiny", "x.ipynb"], "there is no file x.ipynb"),
    (["grade", "tiny", "--course", "nowhere"], "nowhere is no course"),
    (["grade", "tiny", "--course", "nowhere", "--json"], "nowhere is no course"),
    (["report", "tiny", "--course", "nowhere"], "nowhere is no course"),
    (["release", "tiny", "--course", "nowhere"], "nowhere is no course"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_USAGE, ids=lambda w: str(w)[:30])
def test_wrong_usage_is_named(tiny, words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_a_course_is_not_made_twice(tmp_path, capsys):
    assert main(["new-course", str(tmp_path / "cnn")]) == 0
    assert main(["new-course", str(tmp_path / "cnn")]) == 2
    assert "is a course already" in capsys.readouterr().err
    assert "course_id = 'cnn'" in (tmp_path / "cnn" / "nbgrader_config.py").read_text()


@pytest.mark.parametrize("json_wanted", [[], ["--json"]], ids=["text", "json"])
def test_grade_says_where_it_found_no_submission(course, json_wanted, capsys):
    assert main(["grade", "tiny", "--course", str(course), *json_wanted]) == 2
    said = capsys.readouterr()
    place = course / "submitted" / "*" / "tiny"
    assert f"nobody has submitted tiny: no folder is called {place}" in said.err
    assert said.out == ("[]\n" if json_wanted else "")


def test_grade_knows_no_student_who_has_submitted_nothing(course, submit, capsys):
    """A slip of the pen must not become a student with no points."""
    submit(course, "ada")
    words = ["grade", "tiny", "--course", str(course), "--student", "adda"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "adda has submitted nothing for tiny" in said
    assert "submitted have: ada" in said
    assert not (course / "gradebook.db").exists() or not rows_of(course, "adda")


def rows_of(course, student):
    with closing(sqlite3.connect(course / "gradebook.db")) as book:
        return list(book.execute("select id from student where id = ?", (student,)))


@pytest.mark.sandbox
def test_without_checks_nothing_is_called_graded(notebook, tiny, capsys):
    checks = tiny / "checks" / "test_tiny.py"
    aside = checks.rename(tiny / "aside.py")
    try:
        assert main(["check", "tiny", notebook()]) == 3
    finally:
        aside.rename(checks)
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "tiny: not graded"
    assert "the checks of tiny are missing: test_tiny.py" in said.err


@pytest.mark.parametrize("words", [["doctor"], ["new-course", "cnn"]], ids=" ".join)
def test_a_reader_who_leaves_early_gets_no_traceback(words, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()  # before anything is written
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(120) == 141
