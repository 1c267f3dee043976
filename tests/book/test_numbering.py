"""The headings carry the outline's numbers, and no number is typed."""

import re

import pytest
from bs4 import BeautifulSoup

from .conftest import PAGES, ROOT

OUTLINE = {
    "from-dense-to-convolution": """
        6.1 From Fully Connected to Convolutional
        6.1.1 Invariance
        6.1.2 Limitations of Multilayer Perceptrons
        6.1.3 Convolution""",
    "image-convolution": """
        6.2 Image Convolution
        6.2.1 Cross-Correlation Operation
        6.2.2 Convolutional Layer
        6.2.3 Edge Detection in Images
        6.2.4 Learning Convolution Kernels
        6.2.5 Cross-Correlation vs. Convolution
        6.2.6 Feature Maps and Receptive Fields""",
    "padding-and-stride": """
        6.3 Padding and Stride
        6.3.1 Padding
        6.3.2 Stride""",
    "channels": """
        6.4 Multiple Input and Output Channels
        6.4.1 Multiple Input Channels
        6.4.2 Multiple Output Channels
        6.4.3 1×1 Convolution Layers""",
    "pooling": """
        6.5 Pooling Layers
        6.5.1 Max and Average Pooling
        6.5.2 Padding and Stride
        6.5.3 Multiple Channels""",
    "lenet": """
        6.6 LeNet
        6.6.1 LeNet Architecture
        6.6.2 Model Training""",
}
CHAPTERS = list(OUTLINE)


@pytest.fixture(scope="session")
def soup(site):
    return {
        page: BeautifulSoup(
            (site / f"{page}.html").read_text(encoding="utf-8"), "html.parser"
        )
        for page in PAGES
    }


def clean(element):
    """A heading's or link's text, one space between words, no link mark."""
    return re.sub(r"\s+", " ", element.get_text()).strip().removesuffix("#").strip()


def outline(chapter):
    return [line.strip() for line in OUTLINE[chapter].strip().splitlines()]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_headings_read_as_the_outline_does(chapter, soup):
    article = soup[f"book/{chapter}"].article
    headings = [clean(heading) for heading in article.find_all(["h1", "h2"])]
    assert headings[: len(outline(chapter))] == outline(chapter)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_later_headings_go_on_counting(chapter, soup):
    article = soup[f"book/{chapter}"].article
    number = outline(chapter)[0].split()[0]
    numbers = [clean(heading).split()[0] for heading in article.find_all("h2")]
    assert numbers == [f"{number}.{i + 1}" for i in range(len(numbers))]


@pytest.mark.parametrize("page", PAGES)
def test_the_sidebar_shows_the_same_numbers(page, soup):
    links = soup[page].select("nav.bd-docs-nav li.toctree-l1 > a")
    texts = [clean(link) for link in links]
    assert [outline(chapter)[0] for chapter in CHAPTERS] == texts[: len(CHAPTERS)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_contents_of_a_page_show_the_same_numbers(chapter, soup):
    links = soup[f"book/{chapter}"].select("#pst-page-toc-nav li.toc-h2 > a")
    texts = [clean(link) for link in links]
    assert texts[: len(outline(chapter)) - 1] == outline(chapter)[1:]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_figures_equations_and_exercises_are_numbered_within_the_section(chapter, soup):
    article = soup[f"book/{chapter}"].article
    section = re.escape(outline(chapter)[0].split()[0])
    labels = [clean(label) for label in article.select(".caption-number")]
    labels += [clean(label) for label in article.select(".std-numref")]
    labels += [clean(label).strip("()") for label in article.select(".eqno")]
    named = rf"((Figure|Table|Listing|Exercise|Section) )?{section}\.\d+"
    own = [label for label in labels if re.fullmatch(named, label)]
    assert own, "no figure, equation or exercise is numbered here"
    strays = [label for label in labels if not re.search(r"\b6\.[1-6](\.\d+)?$", label)]
    assert strays == []


def test_the_front_page_prints_numbers_that_it_does_not_type(soup):
    cards = soup["book/index"].select(".sd-card-title .section-number")
    assert [card.get_text() for card in cards] == [f"6.{i}" for i in range(1, 7)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_heading_has_its_number_typed(chapter):
    text = (ROOT / "book" / f"{chapter}.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ +\d+\.\d.*$", text, re.MULTILINE) == []
