"""What a reader meets first: how long a page takes, and a picture to begin with."""

import re

import diagrams
import pytest
import reading_time
from bs4 import BeautifulSoup
from docutils import nodes

from .conftest import PAGES, ROOT

# Pages to look things up in. Nobody reads them from the top: they have neither.
LOOKED_UP = {"book/reference", "book/bibliography"}
READ = [page for page in PAGES if page not in LOOKED_UP]

# -- pictures --------------------------------------------------------------------------

VISIBLE = """() => {
  const drawn = "svg, img, canvas, .cnn-explorer, .cnn-quiz";
  const small = "mjx-container, .sd-card-title, summary, .course-step, button";
  return [...document.querySelectorAll(`article.bd-article :is(${drawn})`)]
    .filter((picture) => !picture.closest(small))
    .map((picture) => picture.getBoundingClientRect())
    .filter((box) => box.width >= 120 && box.height >= 50)
    .some((box) => Math.min(box.bottom, innerHeight) - Math.max(box.top, 0)
      >= Math.min(box.height, 100));
}"""


@pytest.fixture(scope="module")
def screen(browser):
    """A page of the size of a small notebook's screen, for one visit after another."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.browser
@pytest.mark.xdist_group("first-screen")
@pytest.mark.parametrize("page", READ)
def test_the_first_screen_of_a_page_shows_a_picture_or_an_explorer(
    page, screen, server
):
    screen.goto(f"{server.url}/{page}.html", timeout=120_000)
    screen.evaluate("window.MathJax?.startup?.promise?.then(() => true)")
    screen.evaluate("document.fonts.ready.then(() => true)")
    assert screen.evaluate("scrollY") == 0
    assert screen.evaluate(VISIBLE), "no picture shows whole, or 100 pixels of it"


@pytest.mark.browser
def test_the_summary_prints_on_one_page(screen, server):
    import io

    from pypdf import PdfReader

    screen.goto(f"{server.url}/book/summary.html", timeout=120_000)
    screen.evaluate("window.MathJax?.startup?.promise?.then(() => true)")
    for paper in ("A4", "Letter"):
        margin = dict.fromkeys(("top", "bottom", "left", "right"), "10mm")
        pdf = PdfReader(io.BytesIO(screen.pdf(format=paper, margin=margin)))
        assert len(pdf.pages) == 1, paper
        text = pdf.pages[0].extract_text()
        assert "Summary sheet" in text
        assert "416,520" in text


# -- reading time ----------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_is_read_says_how_long_it_takes(page, site):
    soup = BeautifulSoup(
        (site / f"{page}.html").read_text(encoding="utf-8"), "html.parser"
    )
    lines = [line.get_text() for line in soup.select("h1 + .reading-time")]
    assert len(lines) == (page in READ)
    for line in lines:
        said = re.fullmatch(r"(\d+) minutes? to read(, exercises apart)?", line)
        assert said
        assert bool(said[2]) == ("{exercise}" in (ROOT / f"{page}.md").read_text())


def page_of(*content: nodes.Node) -> nodes.document:
    from docutils.utils import new_document

    page = new_document("page")
    page += content
    return page


def test_prose_code_formulas_and_pictures_take_their_time():
    prose = nodes.paragraph("", "word " * 200)
    assert reading_time.seconds(page_of(prose)) == 60
    code = nodes.literal_block("", "a = 1\n\nb = 2")
    assert reading_time.seconds(page_of(code)) == 2 * reading_time.SECONDS_PER_LINE
    formula = nodes.math_block("", "x")
    assert reading_time.seconds(page_of(formula)) == reading_time.SECONDS_PER_FORMULA
    picture = nodes.raw("", "<svg></svg>", format="html")
    assert reading_time.seconds(page_of(picture)) == reading_time.SECONDS_PER_PICTURE


def test_hidden_code_and_long_outputs_do_not_count_in_full():
    hidden = nodes.container(classes=["cell", "tag_hide-input"])
    hidden += nodes.literal_block("", "a = 1")
    assert reading_time.seconds(page_of(hidden)) == 0
    long = nodes.literal_block("", "line\n" * 1000)
    most = reading_time.LONGEST_OUTPUT * reading_time.SECONDS_PER_LINE
    assert reading_time.seconds(page_of(long)) == most


# -- drawings from text ----------------------------------------------------------------


def test_a_flow_draws_every_box_and_arrow_in_the_books_colours():
    drawing = diagrams.draw_flow(["a|of b -[c]-> !d <-> +e", " -> =f"], alt='says "x"')
    soup = BeautifulSoup(drawing, "html.parser")
    assert soup.svg["aria-label"] == 'says "x"'
    assert [t.get_text() for t in soup("text")] == ["a", "of b", "d", "e", "c", "f"]
    assert len(soup("rect")) == 4
    assert len(soup("path")) == 2  # the empty box of the second row has no arrow
    for colour in ("kernel", "output", "input"):
        assert f"var(--cnn-{colour})" in drawing
    assert not re.search(r"(fill|stroke)=\"#", drawing)


def test_boxes_are_as_wide_as_their_longest_line_and_do_not_overlap():
    rows = ["short -> a much longer text -> x", "a text of some length -[l]-> b -> y"]
    soup = BeautifulSoup(diagrams.draw_flow(rows, alt="x"), "html.parser")
    boxes = [[float(r[n]) for n in ("x", "width", "y")] for r in soup("rect")]
    for top in {y for *_, y in boxes}:
        row = sorted(box for box in boxes if box[2] == top)
        ends = [x + width for x, width, _ in row]
        assert all(end < x for end, (x, *_) in zip(ends, row[1:], strict=False))


@pytest.mark.parametrize("section", ["pooling", "lenet"])
def test_the_map_of_exercises_lists_what_the_section_asks(section, site):
    source = (ROOT / "book" / f"{section}.md").read_text(encoding="utf-8")
    listed = diagrams.exercises(source)
    assert len(listed) == source.count("{exercise}")
    page = (site / "book" / "solutions" / f"{section}.html").read_text(encoding="utf-8")
    label = BeautifulSoup(page, "html.parser").select_one("svg.diagram")["aria-label"]
    for title, level, skills in listed:
        assert f"{title}, {level}: {', '.join(skills)}" in label


def test_a_map_draws_three_dots_and_one_mark_for_each_skill():
    listed = [("One", "medium", ["code", "derivation"]), ("Two", "easy", ["code"])]
    soup = BeautifulSoup(diagrams.draw_map(listed), "html.parser")
    filled = [dot for dot in soup("circle") if dot["fill"] != "none"]
    assert (len(soup("circle")), len(filled)) == (6, 3)
    marks = [r for r in soup("rect") if "output" in r["fill"]]
    assert len(marks) == 3
