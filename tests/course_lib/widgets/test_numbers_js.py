"""Numbers and counts as the explorers write them."""

import pytest

from tests.course_lib.widgets.javascript import call_javascript


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1, 2, "1"),
        (-1, 2, "−1"),
        (0.5, 2, "0.5"),
        (0.125, 2, "0.13"),
        (-0.0, 2, "0"),
        (1 / 3, 3, "0.333"),
        (0.0004, 2, "4·10⁻⁴"),
        (-2.5e9, 2, "−2.5·10⁹"),
        (0, 2, "0"),
        (99999, 1, "99999"),
    ],
)
def test_numbers_are_written_as_readers_write_them(
    value: float, digits: int, text: str
) -> None:
    assert call_javascript("numbers.js", [("fmt", [value, digits])]) == [text]


def test_counts_agree_with_their_noun() -> None:
    calls = [
        ("count", [1, "row"]),
        ("count", [2, "row"]),
        ("count", [0, "axis", "axes"]),
    ]
    assert call_javascript("numbers.js", calls) == ["1 row", "2 rows", "0 axes"]
