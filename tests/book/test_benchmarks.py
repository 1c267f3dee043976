"""The page of measurements draws the records as they are, and names what is missing."""

import functools
import json
import re

import pytest

from .conftest import ROOT

PAGE = ROOT / "book" / "benchmarks.md"
RECORDS = ROOT / "course_lib" / "measurements"


@functools.cache
def page():
    """What the page's first cell defines."""
    text = PAGE.read_text("utf-8")
    (cell,) = re.findall(
        r"```\{code-cell\} python3\n:tags: \[hide-input, setup\]\n(.*?)```", text, re.S
    )
    names = {}
    exec(compile(cell, str(PAGE), "exec"), names)
    return names


def record(name, *values, ratio, target, limit, met):
    return {
        "name": name,
        "unit": "s",
        "sides": [[f"side {i}", value] for i, value in enumerate(values)],
        "ratio": ratio,
        "target": target,
        "limit": limit,
        "met": met,
        "detail": "Of 3 rounds.",
        "date": "2026-01-02",
        "machine": {
            "processor": "An abacus",
            "cores": 2,
            "memory_gb": 3.9,
            "system": "Linux",
            "python": "3.12.1",
            "torch": "2.9.0",
        },
    }


FAST = record(
    "training_throughput", 6, 0.2, ratio=30, target="≥ 20", limit=0.3, met=True
)
SLOW = record(
    "book_build/rebuild", 9, 20, ratio=2, target="≤ 10 s", limit=10, met=False
)
TWO = {r["name"]: r for r in (FAST, SLOW)}


def test_a_margin_says_how_often_it_fits_and_is_below_one_where_it_does_not():
    assert page()["margin"](FAST) == pytest.approx(1.5)
    assert page()["margin"](SLOW) == pytest.approx(0.5)


def test_the_overview_draws_every_record_and_its_alternative_text_names_what_misses():
    other = {**FAST, "name": "something/else"}
    drawn = page()["overview"]({**TWO, "something/else": other})
    assert "for each of 3 claims" in drawn.alt
    assert "Short of the target: building it again." in drawn.alt
    for said in ("training LeNet", "building it again", "something/else"):
        assert f">{said}</text>" in drawn.svg
    for said in ("1.50 ×", "0.500 ×", "as promised"):
        assert f">{said}</text>" in drawn.svg
    assert "All reach" in page()["overview"]({"training_throughput": FAST}).alt


def test_a_picture_shows_medians_and_target_to_eyes_and_to_ears():
    drawn = page()["picture"](*TWO, records=TWO)
    for said in ("6.00", "0.200", "9.00", "20.0", "target: ≥ 20", "target: ≤ 10 s"):
        assert f">{said}</text>" in drawn.svg
    assert "training LeNet, s: side 0 6.00; side 1 0.200; the target lies at 0.300" in (
        drawn.alt
    )
    assert "var(--cnn-accent" in drawn.svg
    assert "#" not in re.sub(r"var\(--cnn-\w+, #\w+\)|url\(#|href=\"#", "", drawn.svg)


def test_what_has_no_record_is_said_not_to_be_measured():
    assert page()["picture"]("import_time", records=TWO) is None
    alone = page()["table"]("import_time", "chapter_memory", records=TWO).data
    assert alone == "*Not yet measured: import course_lib; memory of a page that runs.*"
    rows = page()["table"](*TWO, "import_time", records=TWO).data.splitlines()[2:]
    assert rows == [
        "| training LeNet | 30.0 | ≥ 20 | met | 2026-01-02; Of 3 rounds. |",
        "| building it again | 2.00 | ≤ 10 s | **missed** | 2026-01-02; Of 3 rounds. |",
        "| import course_lib | | | *not yet measured* | |",
    ]


def test_machines_are_described_with_how_many_records_are_of_each():
    other = {**SLOW, "machine": {**SLOW["machine"], "processor": "A slide rule"}}
    said = page()["machines"]({"a": FAST, "b": other, "c": FAST}).data
    assert "**An abacus**, 2 cores, 4 GB of memory, Linux, Python 3.12.1" in said
    assert "2 of 3 records; **A slide rule**" in said


def test_records_are_read_from_a_folder_by_name(tmp_path):
    for one in TWO.values():
        (tmp_path / f"{one['name'].replace('/', '-')}.json").write_text(json.dumps(one))
    (tmp_path / "README.md").write_text("no record")
    assert page()["read"](tmp_path) == TWO


@pytest.mark.parametrize("path", sorted(RECORDS.glob("*.json")), ids=lambda p: p.stem)
def test_every_committed_record_is_one_that_the_page_knows(path):
    found = json.loads(path.read_text("utf-8"))
    assert path.stem == found["name"].replace("/", "-")
    assert found["name"] in page()["CLAIMS"]
    assert found["met"] == (page()["margin"](found) >= 1)
    assert all(value > 0 for _, value in found["sides"])


def test_the_page_prints_a_section_for_every_claim():
    text = PAGE.read_text("utf-8").split("RECORDS = read()")[1]
    for name in page()["CLAIMS"]:
        assert re.search(rf"\b{name.split('/')[0]}\b", text), name


def test_the_built_page_shows_what_the_records_say(site):
    text = (site / "book" / "benchmarks.html").read_text("utf-8")
    records = page()["RECORDS"]
    for one in records.values():
        assert one["date"] in text
    assert f"for each of {len(records)} claims" in text
