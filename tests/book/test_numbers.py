"""Numbers that the sections print in prose are the numbers that the code computes.

Behind a number stands, in a comment that no reader sees, the expression that it is the
value of::

    It has 61,706<!-- = d2l.cost_ledger(net, (1, 1, 28, 28)).parameters --> parameters.

An expression with several values is compared with as many numbers before it. What an
expression needs is defined in a comment ``<!-- numbers … -->`` of the same page.
Numbers that nothing computes, since they were chosen, measured by others or are claimed
by other books, stand in a comment ``<!-- given: 256; 30 % -->``.
"""

import functools
import itertools
import math
import re

import pytest
import torch
import torch.nn.functional as F
from check_prose import FENCE, NOT_PROSE, ROLE
from torch import nn

import course_lib as d2l

from .conftest import ROOT

CHAPTERS = [
    "from-dense-to-convolution",
    "image-convolution",
    "padding-and-stride",
    "channels",
    "pooling",
    "lenet",
]
SHEETS = ["summary"]  # repeats the sections' numbers

SETUP = re.compile(r"^<!-- numbers\n(.*?)^-->$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- = (?P<expression>.*?) -->", re.DOTALL)
GIVEN = re.compile(r"<!-- given: (.*?) -->", re.DOTALL)
IN_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
NUMBER = re.compile(
    r"(?P<power>10\^\{?(?P<exponent>\d+)\}?)"
    r"|(?P<digits>[-−]?\d+(?:\{?,\}?\d{3}(?!\d))*(?:\.\d+)?)"
    r"(?P<percent>(?:\\,| )?\\?%)?"
    rf"|\b(?P<word>{'|'.join(IN_WORDS)})\b",
    re.IGNORECASE,
)


def read(page: str) -> str:
    return (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")


def value(found: re.Match) -> tuple[float, float]:
    """Return a printed number and half of its last digit's worth."""
    if found["power"]:
        return 10.0 ** int(found["exponent"]), 0.0
    if found["word"]:
        return float(IN_WORDS.index(found["word"].lower())), 0.0
    digits = re.sub(r"[{},]", "", found["digits"]).replace("−", "-")
    decimals = len(digits.partition(".")[2])
    scale = 0.01 if found["percent"] else 1.0
    return float(digits) * scale, 0.5 * 10**-decimals * scale


def agree(printed: re.Match, computed: object) -> bool:
    """Tell whether a number is printed as computed: rounded right, integers exactly."""
    number, half = value(printed)
    exact = isinstance(computed, int) and not printed["percent"]
    exact = exact and "." not in printed[0]
    return abs(number - float(computed)) <= (0 if exact else half * 1.0001)


def flat(result: object) -> list:
    if isinstance(result, torch.Tensor):
        return flat(result.tolist())
    if isinstance(result, list | tuple):
        return [number for part in result for number in flat(part)]
    return [result]


@functools.cache
def namespace(page: str) -> dict:
    names = {"d2l": d2l, "torch": torch, "F": F, "nn": nn, "math": math}
    names["product"] = itertools.product
    for block in SETUP.findall(read(page)):
        exec(compile(block, f"{page}.md", "exec"), names)
    return names


def marked(page: str) -> list[tuple[int, str, str]]:
    """List line, expression, and the text before it, of every mark with a value."""
    text = read(page)
    return [
        (
            text.count("\n", 0, mark.start()) + 1,
            " ".join(mark["expression"].split()),
            MARK.sub("", text[: mark.start()]),
        )
        for mark in MARK.finditer(text)
    ]


ALL = [
    pytest.param(page, line, expression, before, id=f"{page}:{line}: {expression}")
    for page in [*CHAPTERS, *SHEETS]
    for line, expression, before in marked(page)
]


@pytest.mark.parametrize(("page", "line", "expression", "before"), ALL)
def test_a_number_in_prose_is_what_its_expression_computes(
    page, line, expression, before
):
    computed = flat(eval(expression, namespace(page)))
    found = list(NUMBER.finditer(before[-600:]))[-len(computed) :]
    assert len(found) == len(computed)
    gap = before[-600:][found[-1].end() :]
    assert re.fullmatch(r"[\s$*)\]}|.,;:\\]*( GB)?(\(eq-[\w-]+\)\s*)?", gap), (
        f"{page}.md:{line}: between number and mark stands {gap!r}"
    )
    printed = [number[0] for number in found]
    assert all(map(agree, found, computed)), (
        f"{page}.md:{line} prints {', '.join(printed)}; {expression} is {computed}"
    )


def blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", "\0", match[0])


def read_as_prose(text: str) -> str:
    """Blank everything but prose, formulas, boxes and marks; exercises only ask."""

    def fenced(block: re.Match) -> str:
        if block["kind"] != "{admonition}":
            return blank(block)
        first, rest = block[0].split("\n", 1)
        return f"{blank(re.match('.*', first))}\n{rest.rsplit('`' * 3, 1)[0]}\0\0\0"

    text = NOT_PROSE[0].sub(blank, text)
    text = GIVEN.sub(blank, SETUP.sub(blank, text))
    text = FENCE.sub(fenced, text)
    for pattern in (r"^%.*$", r"^\s*:[\w-]+:.*$", r"\]\([^)]*\)"):
        text = re.sub(pattern, blank, text, flags=re.MULTILINE)
    text = ROLE.sub(blank, text)
    return re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", blank, text, flags=re.DOTALL)


def telling(found: re.Match) -> bool:
    """Tell whether a number needs a mark.

    Percentages, decimals and numbers of three digits and more do; a year does not.
    """
    if not found["digits"]:
        return False
    digits = re.sub(r"[{},]", "", found["digits"])
    if found["percent"] or "." in digits:
        return True
    year = re.fullmatch(r"(19|20)\d\d", found["digits"])
    return len(digits.lstrip("-−")) >= 3 and not year


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_telling_number_in_prose_is_marked(page):
    text = read_as_prose(read(page))
    plain = MARK.sub(blank, text)
    numbers = list(NUMBER.finditer(plain))
    covered = set()
    for mark in MARK.finditer(text):
        values = flat(eval(" ".join(mark["expression"].split()), namespace(page)))
        before = [number for number in numbers if number.end() <= mark.start()]
        covered |= {number.start() for number in before[-len(values) :]}
    given = {n.strip() for part in GIVEN.findall(read(page)) for n in part.split(";")}
    missing = [
        f"line {plain.count(chr(10), 0, number.start()) + 1}: {number[0]}"
        for number in numbers
        if telling(number)
        and number.start() not in covered
        and number[0].replace("−", "-").lstrip("-") not in given
    ]
    assert missing == []


@pytest.mark.parametrize("page", [*CHAPTERS, *SHEETS])
def test_no_mark_begins_a_line_of_text_as_it_would_take_the_line_along(page):
    for line in read(page).splitlines():
        if re.match(r"\s*<!-- (= )", line):
            assert MARK.fullmatch(line.strip()), line


def test_there_are_marks_in_every_section():
    counts = {page: len(marked(page)) for page in CHAPTERS}
    assert min(counts.values()) >= 5, counts


@pytest.mark.parametrize(
    ("text", "computed", "right"),
    [
        ("61,706", 61_706, True),
        ("3{,}996{,}001", 3_996_001, True),
        ("61,707", 61_706, False),
        ("-0.8", -0.8, True),
        ("2.303", math.log(10), True),
        ("2.302", math.log(10), False),
        ("4 %", 0.042, True),
        ("23.4\\,\\%", 0.234375, True),
        ("5 %", 0.042, False),
        ("10^{12}", 10**12, True),
        ("10^6", 10**7, False),
        ("nine", 9, True),
        ("8", 8.4, True),
        ("8", 9, False),
    ],
)
def test_a_number_agrees_when_it_is_rounded_right(text, computed, right):
    found = NUMBER.search(text)
    assert found[0] == text
    assert agree(found, computed) is right
