"""Exercises and their solutions: every one is marked, hinted, solved, and executed."""

import html.parser
import json
import pathlib
import re

import pytest
import yaml

from .conftest import ROOT

BOOK = ROOT / "book"
CHAPTERS = (
    "from-dense-to-convolution",
    "image-convolution",
    "padding-and-stride",
    "channels",
    "pooling",
    "lenet",
)
SKILLS = {
    "code",
    "derivation",
    "experiment",
    "judgement",
    "shape arithmetic",
}
EXERCISE = re.compile(r"^```\{exercise\}(.*?)\n(.*?)^```$", re.M | re.S)
MARKS = re.compile(
    r"^(●○○ easy|●●○ medium|●●● project) · ([a-z, ]+) · "
    r"\{ref\}`solution <sol-([a-z-]+)>`$",
    re.M,
)
HINT = re.compile(r"^:::\{dropdown\} Hint\n(.+?)^:::$", re.M | re.S)
SOLUTION = re.compile(
    r"^\(sol-([a-z-]+)\)=\n"
    r"\{ref\}`ex-([a-z-]+)`: (.+?)\n\n"
    r":::\{dropdown\} Sketch\n(.+?)\n:::\n\n"
    r"```\{solution-start\} ex-([a-z-]+)\n"
    r":label: solution-([a-z-]+)\n"
    r":class: dropdown\n```\n"
    r"(.+?)^```\{solution-end\}\n```$",
    re.M | re.S,
)
CELL = re.compile(r"^```\{code-cell\} python3\n(.*?)^```$", re.M | re.S)


def read(*path: str) -> str:
    return (BOOK.joinpath(*path)).with_suffix(".md").read_text(encoding="utf-8")


def exercises(chapter: str) -> list[tuple[str, str]]:
    """Return title and body of every exercise of a chapter."""
    return [(title.strip(), body) for title, body in EXERCISE.findall(read(chapter))]


def label(body: str) -> str:
    found = re.search(r"^:label: ex-([a-z-]+)$", body, re.M)
    return found.group(1) if found else ""


def solutions(chapter: str) -> dict[str, str]:
    """Return the whole text of every solution of a chapter, by its name."""
    found = SOLUTION.findall(read("solutions", chapter))
    names = [solution[0] for solution in found]
    assert len(names) == len(set(names)), f"a solution stands twice: {names}"
    return {solution[0]: solution[-1] for solution in found}


ALL = [
    pytest.param(chapter, title, body, id=label(body) or title)
    for chapter in CHAPTERS
    for title, body in exercises(chapter)
]


def test_there_are_at_least_forty_five_exercises_and_some_in_every_section():
    counts = {chapter: len(exercises(chapter)) for chapter in CHAPTERS}
    assert sum(counts.values()) >= 45, counts
    assert min(counts.values()) >= 5, counts


def test_no_exercise_escapes_the_pattern_of_these_tests():
    for chapter in CHAPTERS:
        assert read(chapter).count("{exercise}") == len(exercises(chapter)), chapter
        text = read("solutions", chapter)
        assert text.count("{solution-start}") == len(solutions(chapter)), chapter


def test_labels_are_unique_in_the_whole_book():
    labels = []
    for page in sorted(BOOK.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        labels += re.findall(r"^:label: ((?:ex|solution)-\S+)$", text, re.M)
        labels += re.findall(r"^\((sol-\S+)\)=$", text, re.M)
    assert len(labels) == len(set(labels)), sorted(
        name for name in set(labels) if labels.count(name) > 1
    )


@pytest.mark.parametrize(("chapter", "title", "body"), ALL)
def test_an_exercise_has_title_label_marks_and_one_hint_inside(chapter, title, body):
    assert title, "an exercise needs a title, as its solution is known by it"
    assert label(body), "no label ex-…"
    marks = MARKS.findall(body)
    assert len(marks) == 1, "one line such as: ●○○ easy · code · {ref}`solution <…>`"
    _, trains, target = marks[0]
    assert set(trains.split(", ")) <= SKILLS, trains
    assert target == label(body)
    hints = HINT.findall(body)
    assert len(hints) == 1
    assert len(hints[0].split()) >= 4


@pytest.mark.parametrize(("chapter", "title", "body"), ALL)
def test_an_exercise_has_exactly_one_solution_on_the_page_of_its_section(
    chapter, title, body
):
    places = [place for place in CHAPTERS if label(body) in solutions(place)]
    assert places == [chapter]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_solutions_follow_the_order_of_the_exercises(chapter):
    in_order = [label(body) for _, body in exercises(chapter)]
    wanted = sorted(solutions(chapter), key=in_order.index)
    assert sorted(in_order) == sorted(wanted)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_solution_is_linked_to_its_exercise_and_longer_than_its_sketch(chapter):
    found = SOLUTION.findall(read("solutions", chapter))
    for anchor, linked, restated, sketch, target, own, text in found:
        assert anchor == linked == target == own
        assert len(restated.split()) >= 5, anchor
        assert 5 <= len(sketch.split()) <= 70, anchor
        assert len(text.split()) > len(sketch.split()), anchor


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_code_in_solutions_asserts_what_it_claims(chapter):
    for name, text in solutions(chapter).items():
        code = "\n".join(CELL.findall(text))
        assert re.search(r"^ *assert ", code, re.M), f"{name} asserts nothing"
        hidden = re.findall(r":tags: \[(.*?)\]", text)
        assert not [tags for tags in hidden if "remove" in tags], f"{name} hides cells"


@pytest.mark.parametrize("skill", sorted(SKILLS))
def test_every_skill_and_every_level_is_trained_in_several_sections(skill):
    where, levels = set(), set()
    for chapter in CHAPTERS:
        for _, body in exercises(chapter):
            for level, trains, _ in MARKS.findall(body):
                levels.add(level)
                if skill in trains.split(", "):
                    where.add(chapter)
    assert len(where) >= 3, f"{skill} is trained only in {sorted(where)}"
    assert len(levels) == 3


def test_the_table_of_contents_has_a_part_of_solutions_without_numbers():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    (part,) = [part for part in toc["parts"] if part["caption"] == "Solutions"]
    files = [chapter["file"] for chapter in part["chapters"]]
    assert files == [f"book/solutions/{chapter}" for chapter in CHAPTERS]
    assert not part.get("numbered")


class _Boxes(html.parser.HTMLParser):
    """Collect exercises, solutions and links of a built page."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: dict[str, set[str]] = {}
        self.links: set[str] = set()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        classes = set((values.get("class") or "").split())
        if tag == "div" and classes & {"exercise", "solution"}:
            self.boxes[values["id"]] = classes
        if tag == "a" and values.get("href"):
            self.links.add(values["href"])


def boxes(page: pathlib.Path) -> _Boxes:
    parser = _Boxes()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_site_toggles_every_solution_and_links_both_ways(chapter, site):
    asked = boxes(site / "book" / f"{chapter}.html")
    solved = boxes(site / "book" / "solutions" / f"{chapter}.html")
    for _, body in exercises(chapter):
        name = label(body)
        assert {"solution", "dropdown"} <= solved.boxes[f"solution-{name}"]
        assert f"../{chapter}.html#ex-{name}" in solved.links
        assert f"solutions/{chapter}.html#sol-{name}" in asked.links


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_build_executed_every_cell_of_the_solutions(chapter, site):
    cache = ROOT / "_build" / ".jupyter_cache"
    wanted = [cell.split() for cell in CELL.findall(read("solutions", chapter))]
    for path in cache.rglob("base.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]).split() for cell in cells]
        if [s for s in sources if s] == [without_options(cell) for cell in wanted]:
            outputs = [output for cell in cells for output in cell["outputs"]]
            assert all(cell["execution_count"] for cell in cells)
            assert not [o for o in outputs if o["output_type"] == "error"]
            return
    pytest.fail(f"no executed notebook has the cells of book/solutions/{chapter}.md")


def without_options(words: list[str]) -> list[str]:
    """Drop a cell's `:tags: [..]` line, which is no code."""
    if words[:1] == [":tags:"]:
        end = next(i for i, word in enumerate(words) if word.endswith("]"))
        return words[end + 1 :]
    return words
