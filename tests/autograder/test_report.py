"""The instructor's page: true numbers, no names where none are needed, no scripts."""

import re
import xml.etree.ElementTree as ET

import pytest

from autograder.charts import bars, histogram
from autograder.outcome import CheckResult, Outcome, Result, State
from autograder.report import page


def result(student, passed, hint="Flipped?", state=State.GRADED):
    check = CheckResult(
        name="test_a",
        cell="a",
        sentence="The <b>sum</b> is right.",
        max_points=2,
        points=2.0 * passed,
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        message="<script>alert(1)</script>",
        hint="" if passed else hint,
        example="[[1, <img onerror=x>]]",
    )
    return Result("tiny", state, [check], student=student, reason="a link")


@pytest.fixture
def text():
    kept = [(result(f"student-{i}", passed=i < 3), i / 10) for i in range(8)]
    kept.append((result("odd-one", passed=False, state=State.UNREADABLE), 0.0))
    return page("tiny", kept)


def test_the_page_states_rates_and_misconceptions(text):
    assert "3 of 9 (33 %), 2 p." in text
    assert "Flipped?" in text
    assert "6 of 9" in text
    assert "<b>9</b><span>submissions</span>" in text
    assert "odd-one" in text


def test_nothing_of_a_student_acts_on_the_page(text):
    assert "<script" not in text
    assert "<img" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"https?://", text)


def test_an_example_names_no_student(text):
    section = text.split("Frequent misconceptions")[1].split("</section>")[0]
    assert "student-" not in section


def test_a_class_without_failures_says_so():
    text = page("tiny", [(result("a", passed=True), 1.0)])
    assert "No check failed with a hint" in text
    assert "every submission was read and graded" in text


def test_charts_are_svg_with_a_text_alternative():
    for drawing in (
        histogram([0, 1, 5, 10], 10, "Scores"),
        bars([("a < b", 0.5, "1 of 2")], "Rates"),
    ):
        root = ET.fromstring(drawing)
        assert root.get("role") == "img"
        assert len(root.get("aria-label")) > 10


def test_the_histogram_counts_the_best_score_in_its_last_bin():
    root = ET.fromstring(histogram([10, 10, 9.5], 10, "Scores"))
    assert "3 from 9 to 10" in root.get("aria-label")
