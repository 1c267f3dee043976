"""Print the built book as one PDF: `make pdf`.

The pages of ``_build/html`` are put behind one another in the order of the table of
contents, with a title page and a list of contents in front, and printed by headless
Chromium. Nothing is executed again. What moves on the site is still here: an explorer
shows its fallback picture, hints and solutions stand open, links between pages lead to
pages of the PDF.

The list of contents prints page numbers, which are known only once everything is laid
out. So the book is printed twice, the second time with the numbers of the first.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import io
import json
import os
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urldefrag

import yaml
from bs4 import BeautifulSoup, Tag

ROOT = pathlib.Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
NAME = "convolutional-neural-networks.pdf"  # in the site's root
PLACE = '<p class="printed-book" hidden></p>'  # where index.html will link to it

A4_WIDTH_MM, A4_HEIGHT_MM, MARGIN_MM = 210, 297, 19
PIXELS_PER_MM = 96 / 25.4
COLUMN = round((A4_WIDTH_MM - 2 * MARGIN_MM) * PIXELS_PER_MM)  # CSS pixels

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


class PrintError(RuntimeError):
    """The book cannot be printed; the message says what would help."""


# -- what is printed -------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A page of the table of contents."""

    name: str  # as in _toc.yml: book/solutions/pooling
    part: str  # the caption that it stands under; empty for the first page

    @property
    def anchor(self) -> str:
        """The id of the page within the printed book."""
        return self.name.removeprefix("book/").replace("/", "-")


def table_of_contents(root: pathlib.Path = ROOT) -> list[Page]:
    """List the pages in reading order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [
        Page(toc["root"], ""),
        *(
            Page(chapter["file"], part["caption"])
            for part in toc["parts"]
            for chapter in part["chapters"]
        ),
    ]


SCREEN_ONLY = (
    "script, style, link, .headerlink, .copybtn, .sd-summary-state-marker, "
    ".cell_output > .jupyter-widgets, .course-step, .printed-book, .screen-only, "
    "p.collapsed, p.expanded"
)
REFERENCES = ("href", "xlink:href", "src", "aria-labelledby", "aria-describedby")
UNTRUE_ON_PAPER = re.compile(r"\s*\(This picture becomes interactive[^)]*\)")
SHEET = re.compile(r'<link\b[^>]*href="[./]*_static/([^"?]+\.css)')
URL = re.compile(r"url\(#([^)]+)\)")


def printed_article(source: str, page: Page, pages: dict[str, Page]) -> Tag:
    """Return the article of a built page, ready to stand in one file with the others.

    Ids get the page's name in front, as two pages may use the same; links to them, to
    other pages and to gradients and clip paths of drawings follow.
    """
    soup = BeautifulSoup(source, "html.parser")
    article = soup.select_one("article.bd-article")
    if article is None:
        raise PrintError(f"{page.name}.html has no article: run `make book` again")
    for element in article.select(SCREEN_ONLY):
        element.decompose()
    for caption in article.select(".cnn-fallback figcaption"):
        for words in caption.find_all(string=UNTRUE_ON_PAPER):
            words.replace_with(UNTRUE_ON_PAPER.sub("", words))
    for details in article.select("details"):
        details["open"] = ""
    for element in article.select(".dropdown"):  # togglebutton would close it
        element["class"] = [name for name in element["class"] if name != "dropdown"]

    seen: set[str] = set()
    for element in article.find_all(True):
        if name := element.attrs.pop("id", None):
            if name not in seen:
                element["id"] = f"{page.anchor}--{name}"
            seen.add(name)
        for attribute, value in list(element.attrs.items()):
            if attribute in REFERENCES:
                target = _target(str(value), attribute, page, pages)
                if target is None:
                    del element[attribute]
                else:
                    element[attribute] = target
            elif isinstance(value, str) and "url(#" in value:
                element[attribute] = URL.sub(rf"url(#{page.anchor}--\1)", value)
    article["id"] = page.anchor
    article["class"] = [*article.get("class", []), "printed-page", f"of-{page.anchor}"]
    return article


def _target(
    value: str, attribute: str, page: Page, pages: dict[str, Page]
) -> str | None:
    """Say where a reference leads in the printed book; None if nowhere."""
    if attribute.startswith("aria-"):
        return " ".join(f"{page.anchor}--{name}" for name in value.split())
    if value.startswith("#"):
        return f"#{page.anchor}--{value[1:]}" if value != "#" else f"#{page.anchor}"
    if re.match(r"[a-z][a-z+.-]*:", value):
        return value
    path, fragment = urldefrag(value)
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), path))
    if attribute == "src":
        return whole  # from the site's root
    other = pages.get(whole.removesuffix(".html"))
    if other is None:
        return None  # an index, a source, a download: nothing of it is on paper
    return f"#{other.anchor}--{fragment}" if fragment else f"#{other.anchor}"


def compose(site: pathlib.Path, pages: list[Page]) -> str:
    """Return the printed book as one HTML page; its contents lack page numbers yet."""
    by_name = {page.name: page for page in pages}
    articles, titles, settings = [], {}, ""
    for page in pages:
        file = site / f"{page.name}.html"
        if not file.is_file():
            raise PrintError(f"{file} is missing: run `make book` first")
        source = file.read_text(encoding="utf-8")
        if found := re.search(r"window\.MathJax = (\{.*?\})</script>", source):
            settings = found[1]
        article = printed_article(source, page, by_name)
        title = article.h1
        titles[page] = title.get_text(" ", strip=True) if title else page.name
        articles.append(article)

    ids = {el["id"] for article in articles for el in article.select("[id]")}
    ids |= {page.anchor for page in pages}
    dead = [
        f"{article['id']}: {link['href']}"
        for article in articles
        for link in article.select('a[href^="#"]')
        if link["href"][1:] not in ids
    ]
    if dead:
        raise PrintError("links without a target:\n  " + "\n  ".join(dead))

    runners = "\n".join(
        f".of-{page.anchor} {{ page: {page.anchor}; }}\n"
        f"@page {page.anchor} {{ @top-left {{ content: {json.dumps(title)}; }} }}"
        for page, title in titles.items()
    )
    maths = json.loads(settings) if settings else {}
    # assistive markup would put every formula into the text a second time
    maths.setdefault("loader", {})["load"] = ["input/tex", "output/chtml"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    base = site.resolve().as_uri()
    body = "\n".join(map(str, articles))
    body = re.sub(r'(<img\b[^>]*\bsrc=")(?!data:)', rf"\1{base}/", body)
    sheets = "\n".join(
        f'<link rel="stylesheet" href="{base}/_static/{name}">'
        for name in dict.fromkeys([*SHEET.findall(source), "print.css"])
    )
    mark = (site / "_static" / "mark.svg").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="light" class="printed">
<head>
<meta charset="utf-8">
<title>{html.escape(config["title"])}</title>
{sheets}
<style>
@page {{ size: {A4_WIDTH_MM}mm {A4_HEIGHT_MM}mm; margin: {MARGIN_MM}mm; }}
@media screen {{ body {{ width: {COLUMN}px; }} }}
{runners}
</style>
<script>window.MathJax = {json.dumps(maths)}</script>
<script defer src="{base}/vendor/mathjax/startup.js"></script>
</head>
<body>
<section class="title-page">
<div class="book-mark">{mark}</div>
<div class="book-title">{html.escape(config["title"])}</div>
<p>Version {project["project"]["version"]}, with every explorer as a picture. The book
itself is a web site on which they move, and the notebooks that it was built from.</p>
</section>
<nav class="book-contents" id="contents">
<h2>Contents</h2>
{_contents(titles)}
</nav>
{body}
</body>
</html>
"""


def _contents(titles: dict[Page, str]) -> str:
    lines, part = [], None
    for page, title in titles.items():
        if page.part != part:
            part = page.part
            lines.append(f'<div class="part">{html.escape(part)}</div>')
        lines.append(
            f'<a href="#{page.anchor}"><span>{html.escape(title)}</span>'
            "<span>000</span></a>"  # as wide as the numbers to come
        )
    return "\n".join(lines)


# -- printing --------------------------------------------------------------------------

FIT = """() => {
  // What is wider than the column, and may not break, gets smaller.
  for (const box of document.querySelectorAll("mjx-container, table, figure svg")) {
    const room = box.closest("td, .admonition, li, dd, article") ?? document.body;
    const style = getComputedStyle(room);
    const space = room.clientWidth
      - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const wide = Math.max(box.scrollWidth, box.getBoundingClientRect().width);
    if (space > 0 && wide > space + 1) box.style.zoom = space / wide;
  }
}"""

OVERFULL = """(column) => {
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg") && element.tagName !== "svg") continue;
    if (element.closest(".cnn-hidden, mjx-assistive-mml")) continue;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const cut = getComputedStyle(element).overflowX !== "visible"
      && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
    if (box.right > column + 1 || box.left < -1 || cut)
      found.push(`${element.closest("article")?.id ?? "front"}: <${element.localName} `
        + `class="${element.getAttribute("class") ?? ""}"> `
        + `${Math.round(box.right)} px: `
        + (element.textContent ?? "").trim().slice(0, 60));
  }
  return found;
}"""


def find_chromium() -> str:
    """Return the browser's path, or say how to get one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, names)), None
    )
    if not found:
        raise PrintError(
            "printing needs Chromium, which was not found. Install the package "
            "`chromium` (apt.txt), or set CHROMIUM to the browser's path."
        )
    return found


def has_chinese_font() -> bool:
    """Tell whether the glossary's Chinese can be printed; True where nobody can say."""
    if not shutil.which("fc-list"):
        return True
    listed = ["fc-list", ":lang=zh", "family"]
    return bool(subprocess.run(listed, capture_output=True, text=True).stdout.strip())


@contextlib.contextmanager
def running_browser() -> Iterator[Any]:
    """Start headless Chromium; it reaches no network."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        browser.close()


def lay_out(browser: Any, text: str) -> Any:
    """Open the composed page as it will be printed, with its maths typeset."""
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        page = browser.new_page(viewport={"width": COLUMN, "height": 1000})
        page.set_default_timeout(240_000)
        page.emulate_media(media="print", color_scheme="light")
        page.goto(pathlib.Path(file.name).as_uri(), timeout=240_000)
        page.evaluate("window.MathJax?.startup?.promise?.then(() => true)")
        page.evaluate("document.fonts.ready.then(() => true)")
    page.evaluate(FIT)
    return page


def overfull(page: Any) -> list[str]:
    """List what is wider than the column or cut off, in words."""
    return page.evaluate(OVERFULL, COLUMN)


def print_page(page: Any) -> bytes:
    """Return the PDF of a laid-out page, with bookmarks and tags."""
    return page.pdf(
        print_background=True, prefer_css_page_size=True, outline=True, tagged=True
    )


def page_numbers(pdf: bytes, pages: list[Page]) -> dict[str, int]:
    """Return on which page, from 1, each page of the site begins."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(pdf))
    places = {k.removeprefix("/"): v for k, v in reader.named_destinations.items()}
    return {
        page.anchor: reader.get_destination_page_number(places[page.anchor]) + 1
        for page in pages
        if page.anchor in places
    }


def print_book(page: Any, pages: list[Page]) -> bytes:
    """Return the PDF of the laid-out book, with page numbers in its contents."""
    numbers = page_numbers(print_page(page), pages)
    page.evaluate(
        """(numbers) => {
          for (const link of document.querySelectorAll(".book-contents a"))
            link.lastElementChild.textContent =
              numbers[link.getAttribute("href").slice(1)] ?? "";
        }""",
        numbers,
    )
    return print_page(page)


def build(site: pathlib.Path, target: pathlib.Path) -> int:
    """Print the site into ``target`` and return the number of pages."""
    from pypdf import PdfReader

    pages = table_of_contents()
    text = compose(site, pages)
    with running_browser() as browser:
        page = lay_out(browser, text)
        if wide := overfull(page):
            shown = "\n  ".join(wide[:20])
            raise PrintError(f"wider than the printed column:\n  {shown}")
        pdf = print_book(page, pages)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(pdf)
    return len(PdfReader(io.BytesIO(pdf)).pages)


def link_from_index(site: pathlib.Path, pages: int) -> None:
    """Show the link to the PDF on the front page, now that there is one."""
    size = (site / NAME).stat().st_size / 1e6
    link = (
        f'<p class="printed-book"><a href="../{NAME}">The whole book as a PDF</a> '
        f"({pages} pages, {size:.1f} MB), to print or to take along.</p>"
    )
    index = site / "book" / "index.html"
    text = index.read_text(encoding="utf-8")
    text, count = re.subn(r'<p class="printed-book"[^>]*>.*?</p>', link, text)
    if count != 1:
        raise PrintError(f"{index} has no place for the link: {PLACE}")
    index.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Print the book and link it from the front page; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=pathlib.Path, default=SITE)
    parser.add_argument("--output", type=pathlib.Path, help="and add no link")
    asked = parser.parse_args(arguments)
    target = asked.output or asked.site / NAME
    if not has_chinese_font():
        print(
            "No font with Chinese characters is installed: the glossary's will print "
            "as boxes. The package fonts-wqy-microhei (apt.txt) has them.",
            file=sys.stderr,
        )
    try:
        pages = build(asked.site, target)
        if not asked.output:
            link_from_index(asked.site, pages)
    except PrintError as error:
        print(f"The book was not printed: {error}", file=sys.stderr)
        return 1
    print(f"{target}: {pages} pages, {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
