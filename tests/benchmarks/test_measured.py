"""What a benchmark measured is printed, judged and kept as it was."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import measured  # noqa: E402, found by the line above
from measured import note  # noqa: E402

SIDES = {"recipe": 100.0, "ours": 350.0}


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    """An empty folder for records, which are only made when asked for."""
    monkeypatch.delenv("RECORD", raising=False)
    monkeypatch.setattr(measured, "RECORDS", tmp_path / "measurements")
    return tmp_path / "measurements"


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (">= 3", True),
        ("≥ 3.5", True),
        (">= 4", False),
        ("<= 4", True),
        ("<=3", False),
        ("<= 400 images/s", True),  # of the last side
        (">= 400 images/s", False),
        (">= 1,000 images/s", False),
    ],
)
def test_a_target_judges_the_ratio_or_with_a_unit_the_last_side(target, met):
    assert note("a", "images/s", SIDES, ratio=3.5, target=target)["met"] is met


@pytest.mark.parametrize(
    ("sides", "ratio", "target", "limit"),
    [
        (SIDES, 3.5, ">= 3", 300),  # more is better
        ({"nbgrader": 6.0, "ours": 0.2}, 30, ">= 20", 0.3),  # less time is better
        ({"torch": 2.0, "ours": 3.0}, 1.5, "<= 2", 4),  # not much slower
        ({"torch": 2.0, "ours": 1.0}, 0.5, "<= 2", 4),
        ({"page": 0.6, "large page": 1.2}, 0.8, "<= 1.5 images/s", 1.5),
        ({"one": 5.0}, 0.5, "<= 1", 10),
    ],
)
def test_the_limit_is_where_the_last_side_would_just_meet_its_target(
    sides, ratio, target, limit
):
    record = note("a", "images/s", sides, ratio=ratio, target=target)
    assert record["limit"] == pytest.approx(limit)
    assert note("a", "s", {"x": 1}, ratio=1, target="<= 2", limit=7)["limit"] == 7


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": "fast"}, r"such as '>= 3' .* got 'fast'"),
        ({"target": "> 3"}, "got '> 3'"),
        ({"target": "<= 3 s"}, "'<= 3 s' counts in 's', the sides in 'images/s'"),
        ({"sides": {}}, "sides is empty"),
        ({"sides": {"ours": 0.0}}, r"a: ours must be a number above 0; got 0.0"),
        ({"sides": {"ours": float("nan")}}, "above 0; got nan"),
        ({"ratio": float("inf")}, "ratio must be a number above 0; got inf"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_a_reason(changed, message):
    given = {"sides": SIDES, "ratio": 3.5, "target": ">= 3"} | changed
    sides = given.pop("sides")
    with pytest.raises(ValueError, match=message):
        note("a", "images/s", sides, **given)


def test_sides_are_printed_below_one_another_and_then_the_verdict(capsys):
    note("a/b", "images/s", SIDES, ratio=3.5, target=">= 4", detail="Of 3 rounds.")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["a/b", "recipe", "100", "images/s"]
    assert lines[1].split() == ["ours", "350", "images/s"]
    assert lines[2].strip() == "ratio 3.50, target ≥ 4: missed"
    assert lines[3].strip() == "Of 3 rounds."
    assert {line.index(line.split()[-1]) for line in lines[:2]} == {len(lines[1]) - 8}


def test_nothing_is_written_unless_it_is_asked_for(records, monkeypatch):
    note("a", "images/s", SIDES, ratio=3.5, target=">= 3")
    monkeypatch.setenv("RECORD", "0")
    note("a", "images/s", SIDES, ratio=3.5, target=">= 3")
    assert not records.exists()


def test_a_record_is_kept_with_its_machine_and_in_the_order_of_its_sides(
    records, monkeypatch
):
    monkeypatch.setenv("RECORD", "1")
    sides = {"z first": 1 / 3, "a last": 2.0}
    record = note("a/b", "s", sides, ratio=6, target=">= 3")
    path = records / "a-b.json"
    text = path.read_text("utf-8")
    assert json.loads(text) == record
    assert record["sides"] == [["z first", 0.33333], ["a last", 2.0]]
    assert list(json.loads(text)) == sorted(record)
    assert text.endswith("}\n")
    assert "≥" in text
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", record["date"])
    machine = record["machine"]
    assert machine["cores"] >= 1
    assert machine["memory_gb"] > 0.5
    assert machine["processor"]
    assert {"python", "torch", "system"} < set(machine)
    note("a/b", "s", sides, ratio=6, target=">= 3")
    assert path.read_text("utf-8") == text


# -- the benchmarks --------------------------------------------------------------------

CLAIMS = [p for p in sorted(ROOT.glob("benchmarks/*.py")) if p.stem != "measured"]


@pytest.mark.parametrize("path", CLAIMS, ids=lambda path: path.stem)
def test_every_benchmark_says_its_claim_and_notes_what_it_found(path):
    text = path.read_text("utf-8")
    assert text.startswith('"""Claim: ')
    assert re.search(r"^from measured import .*\bnote$", text, re.MULTILINE)
    assert re.search(r"^\s+note\(", text, re.MULTILINE)
    assert not re.search(r"^\s*assert .*(seconds|time|ratio)", text, re.MULTILINE)


def test_make_bench_runs_every_claim_and_records_it():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.split("\nbench: ")[1].split("\n\n")[0]
    assert "RECORD=1" in recipe
    assert "$(wildcard benchmarks/*.py)" in makefile
    assert "filter-out benchmarks/measured.py" in makefile


def test_the_list_of_benchmarks_is_complete():
    listed = re.findall(
        r"^\| `(\w+)\.py` ", (ROOT / "benchmarks/README.md").read_text("utf-8"), re.M
    )
    assert sorted(listed) == [path.stem for path in CLAIMS]


ORPHANED = """
import subprocess, sys
work = "import time\\nwhile time.process_time() < 1: pass\\nprint('done')"
subprocess.Popen([sys.executable, "-c", work])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Windows and macOS have no /proc")
def test_what_an_orphan_computes_is_counted():
    before, started = measured.busy_seconds(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", ORPHANED], stdout=subprocess.PIPE, text=True, check=True
    )  # its end is the end of the last process that holds the pipe
    used, took = measured.busy_seconds() - before, time.monotonic() - started
    assert done.stdout == "done\n"
    assert 0.9 <= used <= took * os.cpu_count() + 1
