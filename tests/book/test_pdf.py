"""The printed book: it holds everything, nothing sticks out, links lead somewhere."""

import io
import re

import build_pdf
import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from .conftest import PAGES

pytestmark = pytest.mark.xdist_group("pdf")

TOC = build_pdf.table_of_contents()


@pytest.fixture(scope="module")
def composed(site):
    return build_pdf.compose(site, TOC)


@pytest.fixture(scope="module")
def laid_out(browser, composed):
    page = build_pdf.lay_out(browser, composed)
    yield page
    page.close()


@pytest.fixture(scope="module")
def pdf(laid_out):
    return PdfReader(io.BytesIO(build_pdf.print_book(laid_out, TOC)))


@pytest.fixture(scope="module")
def links(pdf):
    """Every link annotation with the number of its page."""
    found = []
    for number, page in enumerate(pdf.pages, start=1):
        for annotation in page.get("/Annots") or []:
            annotation = annotation.get_object()
            if annotation["/Subtype"] == "/Link":
                found.append((number, annotation))
    return found


def test_the_pages_of_the_table_of_contents_are_printed_in_its_order(composed):
    assert [page.name for page in TOC] == PAGES
    articles = BeautifulSoup(composed, "html.parser").select("article.printed-page")
    assert [article["id"] for article in articles] == [page.anchor for page in TOC]


def test_no_picture_and_no_formula_gets_lost_on_the_way(site, composed):
    printed = BeautifulSoup(composed, "html.parser")
    for page in TOC:
        source = (site / f"{page.name}.html").read_text(encoding="utf-8")
        whole = BeautifulSoup(source, "html.parser").select_one("article.bd-article")
        paper = printed.find(id=page.anchor)
        for what in ("figure", "img", ".math", "svg[role=img]", "figcaption", "pre"):
            assert len(whole.select(what)) == len(paper.select(what)), (page.name, what)


def test_an_explorer_is_printed_as_its_picture(site, composed):
    explorers = 0
    for page in TOC:
        source = (site / f"{page.name}.html").read_text(encoding="utf-8")
        explorers += source.count('type="application/vnd.jupyter.widget-view+json"')
    pictures = BeautifulSoup(composed, "html.parser").select(".cnn-fallback")
    assert len(pictures) == explorers >= 8
    assert all(picture.select("svg, img, table, ol") for picture in pictures)
    assert "becomes interactive" not in composed


def test_hints_and_solutions_stand_open(composed):
    printed = BeautifulSoup(composed, "html.parser")
    assert printed.select("details")
    assert printed.select("details:not([open])") == []
    assert printed.select(".solution")
    assert printed.select(".dropdown") == []


@pytest.mark.browser
def test_nothing_is_wider_than_the_page_and_no_code_is_cut(laid_out):
    assert laid_out.locator("pre").count() > 200
    assert build_pdf.overfull(laid_out) == []


@pytest.mark.browser
@pytest.mark.parametrize(
    "text",
    [
        "<div style='width: 900px; height: 9px'></div>",
        "<pre style='overflow: hidden; width: 90px; white-space: pre'>"
        + "much too long " * 9,
        "<img style='width: 800px; height: 4px' src='data:,' alt=''>",
    ],
)
def test_what_sticks_out_is_found(text, browser):
    page = build_pdf.lay_out(browser, f"<!DOCTYPE html><article>{text}</article>")
    assert build_pdf.overfull(page)
    page.close()


@pytest.mark.browser
def test_all_maths_is_typeset(laid_out):
    assert laid_out.locator("mjx-container").count() > 500
    assert laid_out.locator("mjx-merror, [data-mjx-error]").count() == 0
    raw = laid_out.locator(".math").evaluate_all(
        "found => found.filter((m) => !m.querySelector('mjx-container')).length"
    )
    assert raw == 0


@pytest.mark.browser
def test_it_is_printed_in_light_colours(laid_out):
    paper, ink = laid_out.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          return ["--cnn-paper", "--cnn-ink"].map((n) => style.getPropertyValue(n));
        }"""
    )
    assert (paper.strip(), ink.strip()) == ("#ffffff", "#1c2430")


@pytest.mark.browser
def test_every_internal_link_leads_to_a_page_of_the_pdf(pdf, links):
    targets = {name.lstrip("/") for name in pdf.named_destinations}
    internal = [link["/Dest"] for _, link in links if "/Dest" in link]
    assert len(internal) > 400
    assert [dest for dest in internal if str(dest).lstrip("/") not in targets] == []
    for destination in pdf.named_destinations.values():
        assert pdf.get_destination_page_number(destination) is not None


@pytest.mark.browser
def test_every_other_link_is_an_address_in_the_web(links):
    actions = [link["/A"] for _, link in links if "/Dest" not in link]
    outside = [str(action.get("/URI", action)) for action in actions]
    assert outside
    assert [uri for uri in outside if not re.match(r"https?://|mailto:", uri)] == []


@pytest.mark.browser
def test_every_link_of_the_text_is_a_link_of_the_pdf(composed, links):
    wanted = set(re.findall(r'<a [^>]*href="#([^"]+)"', composed))
    found = {str(link["/Dest"]).lstrip("/") for _, link in links if "/Dest" in link}
    assert len(wanted - found) <= 0.02 * len(wanted), sorted(wanted - found)[:20]


@pytest.mark.browser
def test_the_bookmarks_are_the_pages_and_their_sections(pdf, composed):
    def titles(outline, depth=0):
        for entry in outline:
            if isinstance(entry, list):
                yield from titles(entry, depth + 1)
            else:
                yield depth, re.sub(r"\s+", "", entry.title)

    soup = BeautifulSoup(composed, "html.parser")
    wanted = [
        re.sub(r"\s+", "", article.h1.get_text())
        for article in soup.select("article.printed-page")
    ]
    marks = list(titles(pdf.outline))
    top = [title for depth, title in marks if depth == 0]
    assert top[-len(wanted) :] == wanted
    assert sum(depth == 1 for depth, _ in marks) > 60


@pytest.mark.browser
def test_the_contents_print_the_numbers_of_the_pages(pdf, laid_out):
    printed = laid_out.locator(".book-contents a").evaluate_all(
        "links => links.map((a) => [a.getAttribute('href').slice(1),"
        " +a.lastElementChild.textContent])"
    )
    places = {name.lstrip("/"): d for name, d in pdf.named_destinations.items()}
    assert [anchor for anchor, _ in printed] == [page.anchor for page in TOC]
    for anchor, number in printed:
        assert number == pdf.get_destination_page_number(places[anchor]) + 1
    for number in (4, 40, len(pdf.pages)):
        assert str(number) in pdf.pages[number - 1].extract_text().split()


@pytest.mark.browser
def test_it_begins_with_a_title_page_and_is_printed_on_a4(pdf):
    assert "Networks with" in pdf.pages[0].extract_text()
    width, height = pdf.pages[0].mediabox[2:]
    assert (round(width), round(height)) == (595, 842)


def test_a_missing_browser_is_reported_with_the_package_that_has_it(monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(build_pdf.shutil, "which", lambda name: None)
    with pytest.raises(build_pdf.PrintError, match=r"package\s+`chromium` \(apt.txt\)"):
        build_pdf.find_chromium()


def test_missing_chinese_characters_are_announced(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(build_pdf, "has_chinese_font", lambda: False)
    build_pdf.main(["--site", str(tmp_path)])
    assert "fonts-wqy-microhei" in capsys.readouterr().err


def test_a_missing_site_is_reported_with_the_command(tmp_path, capsys):
    assert build_pdf.main(["--site", str(tmp_path)]) == 1
    assert "run `make book` first" in capsys.readouterr().err


def test_a_dead_link_is_not_printed(tmp_path):
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "index.html").write_text(
        '<article class="bd-article"><h1>A</h1><a href="#no">x</a></article>'
    )
    with pytest.raises(build_pdf.PrintError, match=r"without a target:\n  index: #in"):
        build_pdf.compose(tmp_path, [build_pdf.Page("book/index", "")])


def test_ids_of_two_pages_and_of_their_drawings_do_not_meet():
    pages = {"book/a": build_pdf.Page("book/a", "")}
    article = build_pdf.printed_article(
        '<article class="bd-article"><h1 id="x">A</h1><a href="a.html#x">up</a>'
        '<a href="../genindex.html">i</a><a href="https://b.org">b</a>'
        '<svg><clipPath id="c"></clipPath><g clip-path="url(#c)"></g></svg></article>',
        pages["book/a"],
        pages,
    )
    assert article["id"] == "a"
    assert article.h1["id"] == "a--x"
    assert [a.get("href") for a in article("a")] == ["#a--x", None, "https://b.org"]
    assert article.g["clip-path"] == "url(#a--c)"


@pytest.fixture
def front_page(tmp_path, site):
    """A copy of the front page as `make book` leaves it, and a PDF beside it."""
    text = (site / "book" / "index.html").read_text(encoding="utf-8")
    text = re.sub(r'<p class="printed-book".*?</p>', build_pdf.PLACE, text)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.html").write_text(text, encoding="utf-8")
    (tmp_path / build_pdf.NAME).write_bytes(b"%PDF" + bytes(2_000_000))
    return tmp_path / "book" / "index.html"


def test_the_front_page_links_the_pdf_once_however_often_it_is_printed(front_page):
    for pages in (200, 201):
        build_pdf.link_from_index(front_page.parents[1], pages)
    (note,) = BeautifulSoup(front_page.read_text(), "html.parser").select(
        ".printed-book"
    )
    assert "hidden" not in note.attrs
    assert "201 pages, 2.0 MB" in note.get_text()
    assert (front_page.parent / note.a["href"]).resolve().is_file()


def test_the_front_page_has_no_dead_link_to_a_pdf(site):
    soup = BeautifulSoup(
        (site / "book" / "index.html").read_text(encoding="utf-8"), "html.parser"
    )
    (note,) = soup.select(".printed-book")
    if note.a:
        assert (site / "book" / note.a["href"]).resolve().is_file()
    else:
        assert "hidden" in note.attrs


def test_a_front_page_without_a_place_for_the_link_is_reported(front_page):
    front_page.write_text("<html></html>")
    with pytest.raises(build_pdf.PrintError, match="has no place for the link"):
        build_pdf.link_from_index(front_page.parents[1], 1)
