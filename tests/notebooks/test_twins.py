"""A twin says what its page says, in Markdown that every notebook program reads."""

import html.parser
import json
import re
from urllib.parse import urlsplit

import build_notebooks
import jupytext
import nbformat
import pytest
from docutils import nodes

from ..environments import ROOT

twins = build_notebooks.twins
HERE = build_notebooks.publication()
PAGES = build_notebooks.pages()
HTML = ROOT / "_build" / "html"
NAMES = sorted(p.stem for p in (ROOT / "autograder" / "assignments").glob("*/*.md"))

pytestmark = pytest.mark.xdist_group("twins")


def twin_of(published, page):
    return nbformat.read(published / HERE.twin(page), as_version=4)


def text_of(notebook):
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def test_the_tree_holds_the_twins_a_list_of_them_and_nothing_else(published):
    files = {p.relative_to(published).as_posix() for p in published.rglob("*.*")}
    wanted = {HERE.twin(page) for page in PAGES}
    wanted |= {HERE.assignment(name) for name in NAMES}
    assert files == {*wanted, "README.md"}
    listed = (published / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(((?:book|assignments)/[^)]+)\)", listed)) == wanted


def test_the_same_sources_give_the_same_bytes(published, tmp_path):
    (path,) = build_notebooks.write_assignments(HERE, tmp_path, ["corr2d"])
    assert (tmp_path / path).read_bytes() == (published / path).read_bytes()
    cells = [twins.code_cell("1"), twins.markdown_cell("ü")]
    again = [dict(reversed(cell.items())) for cell in cells]
    assert twins.notebook(cells) == twins.notebook(again)


def test_every_notebook_is_valid_has_no_outputs_and_begins_with_the_set_up(published):
    paths = list(published.rglob("*.ipynb"))
    assert len(paths) == len(PAGES) + len(NAMES)
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        ids = [cell.id for cell in notebook.cells]
        assert len(ids) == len(set(ids))
        assert not any(cell.get("outputs") for cell in notebook.cells)
        first = notebook.cells[0].source
        assert first.startswith("# @title Run this first")
        assert HERE.source in first


@pytest.mark.parametrize("page", PAGES)
def test_a_twin_has_the_code_of_its_page_but_for_the_hidden_checks(page, published):
    source = jupytext.read(ROOT / f"{page}.md", fmt="md:myst")
    code = [cell for cell in source.cells if cell.cell_type == "code"]
    kept = [c.source for c in code if "remove-cell" not in c.metadata.get("tags", [])]
    cells = [c for c in twin_of(published, page).cells if c.cell_type == "code"]
    assert [c.source for c in cells[1:]] == kept
    folded = {"hide-input", "remove-input"}
    marked = [
        bool(folded & {*c.metadata.get("tags", [])}) for c in code if c.source in kept
    ]
    assert [bool(c.metadata.get("cellView")) for c in cells[1:]] == marked


MYST = re.compile(
    r"""\{[a-z][a-z:-]*\}`      # a role
    |   ^\s*(?:`{3,}|:{3,})\s*\{      # a directive
    |   ^\([\w-]+\)=$                 # a label
    |   ^:[a-z-]+:\s                  # an option
    |   ^\+\+\+                       # a cut
    """,
    re.VERBOSE | re.MULTILINE,
)


@pytest.mark.parametrize("page", PAGES)
def test_no_syntax_of_myst_is_left(page, published):
    left = [match[0] for match in MYST.finditer(text_of(twin_of(published, page)))]
    assert left == []


class Page(html.parser.HTMLParser):
    """Headings, displayed formulas and links of a built page."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.formulas, self.ids = [], 0, set()
        self._open, self._within = None, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._within |= tag == "article"
        self.ids |= {given.get("id"), given.get("name")} - {None}
        self.formulas += tag == "div" and "math" in (given.get("class") or "").split()
        if self._within and re.fullmatch("h[1-6]", tag):
            self._open = ""

    def handle_endtag(self, tag):
        self._within &= tag != "article"
        if re.fullmatch("h[1-6]", tag) and self._open is not None:
            self.headings.append(" ".join(self._open.replace("#", "").split()))
            self._open = None

    def handle_data(self, data):
        if self._open is not None:
            self._open += data


def words(text):
    """The words of a heading, whatever stands between them."""
    return re.sub(r"\W+", " ", text).strip()


def built(page):
    return Page((HTML / f"{page}.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_a_twin_has_the_headings_and_the_formulas_of_its_page(page, published):
    site, text = built(page), text_of(twin_of(published, page))
    headings = re.findall(r"^#{1,6} (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"\]\([^)]*\)", "", one) for one in headings]
    assert [words(one) for one in plain] == [words(one) for one in site.headings]
    assert text.count("$$\n") == 2 * site.formulas


LINK = re.compile(r"\]\((?P<url>[^()\s]+(?:\([^()]*\)[^()\s]*)*)\)")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_places_of_the_site_that_exist(page, published):
    urls = [m["url"] for m in LINK.finditer(text_of(twin_of(published, page)))]
    ours = [url for url in urls if url.startswith(HERE.site)]
    assert ours
    assert all(urlsplit(url).scheme in ("http", "https") for url in urls)
    for url in ours:
        path, _, anchor = url.removeprefix(HERE.site).partition("#")
        assert (HTML / path).is_file(), url
        assert not anchor or anchor in built(path.removesuffix(".html")).ids, url


def test_every_twin_can_be_downloaded_from_the_site(published):
    for page in PAGES:
        there = HTML / "notebooks" / HERE.twin(page)
        assert there.read_bytes() == (published / HERE.twin(page)).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_an_assignment_can_be_handed_in_and_has_no_solution(name, published):
    from autograder.assignment import from_notebook
    from autograder.submission import rebuild

    path = published / HERE.assignment(name)
    text = path.read_text(encoding="utf-8")
    assert "SOLUTION" not in text
    assert "YOUR CODE HERE" in text
    notebook = nbformat.read(path, as_version=4)
    task = from_notebook(name, notebook)
    assert task.of("answer")
    without = json.loads(text)
    first = without["cells"].pop(0)
    assert rebuild(json.loads(text), task).answers == rebuild(without, task).answers
    assert "nbgrader" not in first["metadata"]


# --- what becomes of what -------------------------------------------------------------


def translated(*content):
    page = nodes.document(None, None)
    section = nodes.section("", nodes.title("", "Pooling"), *content, ids=["pooling"])
    page += section
    numbers = {"figure": "Figure 6.5.1", "displaymath": "6.5.2", "section": "6.5"}
    translator = twins.Translator(
        twins.link_of(HERE, "book/pooling"), lambda kind, ids: numbers.get(kind, "")
    )
    title, *rest = twins.cells_of_page(translator, page, lambda i: twins.code_cell("1"))
    assert title["source"].startswith("# 6.5 Pooling")
    return title["source"].removeprefix("# 6.5 Pooling").strip(), rest


def paragraph(*parts):
    return nodes.paragraph("", "", *parts)


TRANSLATIONS = {
    "a link to another page": (
        paragraph(nodes.reference("", "there", refuri="channels.html#x")),
        f"[there]({HERE.site}book/channels.html#x)",
    ),
    "a link whose text begins with a space": (
        paragraph(
            nodes.Text("to"), nodes.reference("", " that", refuri="https://a.b/")
        ),
        "to [that](https://a.b/)",
    ),
    "a link within the page": (
        paragraph(nodes.reference("", "(6.5.2)", refid="equation-eq-max")),
        f"[(6.5.2)]({HERE.site}book/pooling.html#equation-eq-max)",
    ),
    "characters that mean something": (
        paragraph(nodes.Text("5 * 3, a_b, [1] and $5")),
        r"5 \* 3, a_b, \[1\] and \$5",
    ),
    "a line that looks like a list": (paragraph(nodes.Text("- 1 °C")), r"\- 1 °C"),
    "code with a backtick": (paragraph(nodes.literal("", "a`b")), "``a`b``"),
    "a formula": (nodes.math_block("", "a = b"), "$$\na = b\n\\tag{6.5.2}\n$$"),
    "a formula of two lines": (
        nodes.math_block("", r"a \\ b"),
        "$$\n\\begin{split}a \\\\ b\\end{split}\n\\tag{6.5.2}\n$$",
    ),
    "a box": (
        nodes.note("", paragraph(nodes.Text("Look."))),
        "> **Note**\n>\n> Look.",
    ),
    "a box that can be opened": (
        nodes.admonition(
            "",
            nodes.title("", "Hint"),
            paragraph(nodes.Text("x")),
            classes=["dropdown"],
        ),
        "<details>\n<summary>Hint</summary>\n\nx\n\n</details>",
    ),
    "a list in a list": (
        nodes.bullet_list(
            "",
            nodes.list_item(
                "",
                paragraph(nodes.Text("one")),
                nodes.bullet_list(
                    "", nodes.list_item("", paragraph(nodes.Text("two")))
                ),
            ),
        ),
        "- one\n\n  - two",
    ),
    "a numbered list": (
        nodes.enumerated_list(
            "", nodes.list_item("", paragraph(nodes.Text("three"))), start=3
        ),
        "3. three",
    ),
    "a drawing of the site": (nodes.raw("", "<svg></svg>", format="html"), ""),
}


@pytest.mark.parametrize("what", TRANSLATIONS)
def test_what_a_construct_becomes(what):
    node, text = TRANSLATIONS[what]
    assert translated(node) == (text, [])


def test_code_cuts_the_text_and_a_figure_keeps_its_caption():
    figure = nodes.figure("", nodes.caption("", "A map."), ids=["fig"])
    cell = nodes.container("", figure, nb_element="cell_code", cell_index=3)
    text, rest = translated(paragraph(nodes.Text("Before.")), cell)
    assert text == "Before."
    assert [one["source"] for one in rest] == ["1", "**Figure 6.5.1.** A map."]


def test_a_box_around_code_is_opened():
    cell = nodes.container("", nb_element="cell_code", cell_index=3)
    box = nodes.admonition("", nodes.title("", "Try"), cell, classes=["dropdown"])
    text, rest = translated(box)
    assert text == "**Try**"
    assert rest[0]["cell_type"] == "code"


def test_an_unknown_construct_is_named():
    with pytest.raises(twins.Untranslatable, match=r"<option_list> 'a b'"):
        translated(nodes.option_list("", nodes.Text("a b")))


def test_code_inside_a_list_is_refused():
    cell = nodes.container("", nb_element="cell_code", cell_index=3)
    listing = nodes.bullet_list("", nodes.list_item("", cell))
    with pytest.raises(twins.Untranslatable, match="a code cell inside <list_item>"):
        translated(listing)


def test_a_repository_that_colab_cannot_open_is_refused():
    with pytest.raises(ValueError, match=r"'https://a\.org/x'; Colab and Binder need"):
        twins.Publication("https://a.org/x", "main", "notebooks")
