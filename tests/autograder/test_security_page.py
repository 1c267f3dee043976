"""The page on the security model names tests and attacks that there are."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "book" / "instructors" / "security-model.md"
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][2:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:40])
def test_every_promise_names_a_test_that_exists(row):
    named = re.findall(r"`([^`]+)`", row.split(" | ")[-1])
    assert named
    attacks = {p.stem for p in HERE.glob("hostile/**/*.py")}
    for name in named:
        if name.endswith((".py", "/")):
            assert (HERE / name).exists()
        else:
            assert name in attacks
