"""Grade files, against the columns that the learning platforms document."""

import csv
import warnings

import pytest
from nbgrader.api import Gradebook

from autograder.exports import (
    CanvasExportPlugin,
    MoodleExportPlugin,
    QuotedCsvExportPlugin,
)


@pytest.fixture
def gradebook(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
            book.add_assignment("corr2d")
            book.add_notebook("corr2d", "corr2d")
            book.add_grade_cell(
                "test", "corr2d", "corr2d", max_score=4, cell_type="code"
            )
            book.add_student("ada", first_name="Ada, Countess", last_name='Love"lace')
            book.add_student("evil", first_name="=HYPERLINK(1)", lms_user_id="17")
            book.add_submission("corr2d", "ada")
            book.find_grade("test", "corr2d", "corr2d", "ada").auto_score = 3.5
            book.db.commit()
            yield book


def table(plugin, gradebook, tmp_path, **options):
    path = tmp_path / "out.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plugin(to=str(path), **options).export(gradebook)
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


def test_names_with_commas_and_quotes_do_not_break_a_row(gradebook, tmp_path):
    heading, *rows = table(QuotedCsvExportPlugin, gradebook, tmp_path)
    assert {len(row) for row in rows} == {len(heading)}
    ada = dict(zip(heading, next(r for r in rows if "ada" in r), strict=True))
    assert ada["first_name"] == "Ada, Countess"
    assert ada["last_name"] == 'Love"lace'
    assert (ada["score"], ada["max_score"]) == ("3.5", "4.0")


def test_canvas_gets_its_columns_and_the_points_possible(gradebook, tmp_path):
    heading, possible, *rows = table(CanvasExportPlugin, gradebook, tmp_path)
    about = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert heading == [*about, "corr2d"]
    assert possible == ["    Points Possible", "", "", "", "", "4.0"]
    assert ['Love"lace, Ada, Countess', "", "", "ada", "", "3.5"] in rows
    assert next(r for r in rows if r[3] == "evil")[1] == "17"


def test_moodle_gets_columns_to_map_and_no_grade_where_none_is(gradebook, tmp_path):
    heading, *rows = table(MoodleExportPlugin, gradebook, tmp_path)
    assert heading[:2] == ["Username", "ID number"]
    assert heading[-1] == "corr2d"
    assert {r[0]: r[-1] for r in rows} == {"ada": "3.5", "evil": ""}


@pytest.mark.parametrize(
    "plugin", [QuotedCsvExportPlugin, CanvasExportPlugin, MoodleExportPlugin]
)
def test_no_cell_is_a_formula(plugin, gradebook, tmp_path):
    cells = [c for row in table(plugin, gradebook, tmp_path) for c in row]
    assert "'=HYPERLINK(1)" in cells
    assert not any(c.startswith(("=", "+", "@")) for c in cells)


def test_students_and_assignments_can_be_chosen(gradebook, tmp_path):
    rows = table(MoodleExportPlugin, gradebook, tmp_path, student=["ada"])
    assert len(rows) == 2
    (heading, *_) = table(MoodleExportPlugin, gradebook, tmp_path, assignment=["x"])
    assert "corr2d" not in heading
