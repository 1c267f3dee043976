"""Every page works with no network: from a server on this machine, and from disk."""

import functools

import pytest

from .conftest import MADE_BY_SPHINX, PAGES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

MATHS = """() => ({
  formulas: document.querySelectorAll("article .math").length,
  typeset: document.querySelectorAll("article .math > mjx-container").length,
  spoken: document.querySelectorAll("article .math mjx-assistive-mml math").length,
  wrong: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map(
    (error) => error.textContent),
  raw: /\\\\[([]/.test(
    [...document.querySelectorAll("article .math")].map((m) => m.innerText).join()),
})"""

BROKEN_PICTURES = """() => [...document.images]
  .filter((picture) => picture.getClientRects().length > 0)
  .filter((picture) => !(picture.complete && picture.naturalWidth > 0))
  .map((picture) => picture.src)"""

FAMILIES = """() => [...document.fonts].filter((face) => face.status === "loaded")
  .map((face) => face.family.replaceAll('"', ""))"""

SCROLLS = "document.documentElement.scrollWidth > innerWidth"

# What sticks out of the page to the right, unless it scrolls inside its own box.
STICKING_OUT = """() => {
  const clipped = (element) => {
    for (let box = element.parentElement; box && box !== document.body;
         box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") return true;
    }
    return false;
  };
  const wide = [...document.querySelectorAll("body *")].filter((element) => {
    const box = element.getBoundingClientRect();
    const hidden = getComputedStyle(element).visibility === "hidden";
    return box.width > 0 && box.right > innerWidth + 1 && !hidden && !clipped(element)
      && !element.closest("#pst-primary-sidebar, #pst-secondary-sidebar");
  });
  return wide.map((e) => `${e.tagName}.${e.className} ${e.textContent.slice(0, 60)}`);
}"""


WIDTHS = (360, 1024)
WAYS = ("http", "file")


def address(page, way, site, server):
    """A page's address, by either way in."""
    return f"{server.url}/{page}.html" if way == "http" else _file(site, page)


def _file(site, page):
    return (site / f"{page}.html").as_uri()


@pytest.fixture(scope="session")
def seen(site, server, visit):
    """What there is to know of a page, opened once each way."""

    @functools.cache
    def look(page, way):
        with visit(address(page, way, site, server)) as opened:
            known = {
                "troubles": opened.troubles,
                "maths": opened.page.evaluate(MATHS),
                "broken pictures": opened.page.evaluate(BROKEN_PICTURES),
                "fonts": set(opened.page.evaluate(FAMILIES)),
            }
            for width in WIDTHS:
                opened.page.set_viewport_size({"width": width, "height": 900})
                opened.page.wait_for_timeout(300)
                known[width] = opened.page.evaluate(STICKING_OUT)
                if opened.page.evaluate(SCROLLS):
                    known[width].append("the page scrolls sideways")
            return known

    return look


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_without_errors_and_asks_no_other_host(page, way, seen):
    assert seen(page, way)["troubles"] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("page", PAGES)
def test_every_formula_is_typeset_and_readable_by_a_screen_reader(page, way, seen):
    maths = seen(page, way)["maths"]
    assert maths["wrong"] == []
    assert maths["typeset"] == maths["formulas"]
    assert maths["spoken"] == maths["formulas"]
    assert not maths["raw"]


def test_the_book_has_formulas_to_typeset(site):
    pages = [(site / f"{page}.html").read_text(encoding="utf-8") for page in PAGES]
    assert sum('class="math' in text for text in pages) >= 7


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("page", PAGES)
def test_every_picture_is_there(page, way, seen):
    assert seen(page, way)["broken pictures"] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("page", PAGES)
def test_the_books_own_fonts_are_used(page, way, seen):
    wanted = {"Inter Variable", "Source Serif 4 Variable"}
    assert wanted <= seen(page, way)["fonts"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", [*PAGES, *MADE_BY_SPHINX])
def test_nothing_sticks_out_of_the_page(page, width, seen):
    assert seen(page, "http")[width] == []


@pytest.mark.parametrize("way", WAYS)
def test_the_front_door_leads_to_the_front_page(way, site, server, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(address("index", way, site, server), wait_until="commit")
    page.wait_for_url("**/book/index.html")
    assert "Convolutional" in page.title()
    context.close()


@pytest.mark.parametrize("way", WAYS)
def test_search_finds_a_word_without_a_network(way, site, server, visit):
    with visit(address("search", way, site, server) + "?q=stride") as opened:
        opened.page.wait_for_selector("ul.search li a", timeout=20_000)
        assert opened.troubles == []
