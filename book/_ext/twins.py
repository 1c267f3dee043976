"""Twins: a page as a plain notebook, for Colab and every Jupyter without extensions.

Pages are written in MyST, whose roles and directives such a place shows as source text.
A twin is therefore made from the page that Sphinx has *resolved*: its links, numbers,
citations and exercise titles are those of the site, written as Markdown that every
notebook program knows. Links lead to the published site. Code cells are the page's own,
without outputs; the authors' hidden checks stay behind.

The same page always gives the same bytes. A construct that cannot be written down stops
the build and is named, so that no twin silently loses a sentence.

Where everything is published stands here and nowhere else: see `Publication`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes

SETUP = Path(__file__).with_name("set_up_cell.py")
GITHUB = re.compile(r"https://github\.com/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)/?")


@dataclass(frozen=True)
class Publication:
    """Where the course is published: the repository, a branch of twins, the site.

    >>> here = Publication("https://github.com/someone/cnn", "main", "notebooks")
    >>> here.site
    'https://someone.github.io/cnn/'
    >>> here.twin("book/pooling")
    'book/pooling.ipynb'
    """

    repository: str
    branch: str
    notebooks: str

    def __post_init__(self) -> None:
        if not GITHUB.fullmatch(self.repository):
            raise ValueError(
                f"repository.url in _config.yml is {self.repository!r}; Colab and "
                "Binder need https://github.com/OWNER/NAME"
            )

    @property
    def owner(self) -> str:
        """The account that the repository belongs to."""
        return GITHUB.fullmatch(self.repository)["owner"]

    @property
    def name(self) -> str:
        """The repository's name."""
        return GITHUB.fullmatch(self.repository)["name"]

    @property
    def site(self) -> str:
        """The address of GitHub Pages for the repository."""
        return f"https://{self.owner.lower()}.github.io/{self.name}/"

    @property
    def source(self) -> str:
        """What pip installs the library from where no wheel is at hand."""
        return (
            f"https://github.com/{self.owner}/{self.name}"
            f"/archive/refs/heads/{self.branch}.zip"
        )

    def twin(self, page: str) -> str:
        """Where the twin of a page lies in the branch of twins, and in the site."""
        return f"{page}.ipynb"

    def assignment(self, name: str) -> str:
        """Where the twin of an assignment lies in the branch of twins."""
        return f"assignments/{name}/{name}.ipynb"

    def colab(self, twin: str) -> str:
        """Return the address that opens a twin in Colab."""
        return (
            f"https://colab.research.google.com/github/{self.owner}/{self.name}"
            f"/blob/{self.notebooks}/{twin}"
        )

    def pull(self, twin: str) -> dict[str, str]:
        """Return what nbgitpuller is asked: to get all twins and to open this one.

        The twin and not the page: nobody knows whether that hub can open MyST.
        """
        folder = f"{self.name}-notebooks"
        return {
            "repo": f"https://github.com/{self.owner}/{self.name}",
            "branch": self.notebooks,
            "targetPath": folder,
            "urlpath": f"lab/tree/{folder}/{twin}",
        }


# --- cells ----------------------------------------------------------------------------


def markdown_cell(text: str) -> dict:
    """Return a cell of text."""
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code_cell(source: str, *, hidden: bool = False) -> dict:
    """Return a cell of code without outputs; ``hidden`` folds its source away."""
    shown = {"cellView": "form", "jupyter": {"source_hidden": True}} if hidden else {}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": shown,
        "outputs": [],
        "source": source,
    }


def set_up_cell(publication: Publication) -> dict:
    """Return the first cell of a twin: it installs the library where it is missing."""
    _, title, rest = SETUP.read_text(encoding="utf-8").partition("# @title")
    source = f"{title}{rest}".strip().replace("SOURCE", publication.source)
    return code_cell(source, hidden=True)


def notebook(cells: list[dict]) -> str:
    """Return the text of a notebook file; the same cells give the same text."""
    for number, cell in enumerate(cells):
        cell.setdefault("id", f"cell-{number:03}")
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


# --- from a resolved page to cells ----------------------------------------------------

IGNORED = (nodes.comment, nodes.target, nodes.substitution_definition, nodes.meta)
# Wrappers whose meaning is their content.
TRANSPARENT = (
    nodes.document,
    nodes.container,
    nodes.compound,
    nodes.definition,
    nodes.topic,
)
NAMED_ADMONITIONS = {
    nodes.attention: "Attention",
    nodes.caution: "Caution",
    nodes.danger: "Danger",
    nodes.error: "Error",
    nodes.hint: "Hint",
    nodes.important: "Important",
    nodes.note: "Note",
    nodes.tip: "Tip",
    nodes.warning: "Warning",
}
# Characters that would start markup where plain text is meant.
SPECIAL = re.compile(r"([\\`*\[\]<$]|(?<!\w)_|_(?!\w))")
SITE_ONLY = re.compile(r"<(?:svg|script|style|link)\b")
STARTS_A_BLOCK = re.compile(r"^(#{1,6}|[-+>]|\d+[.)])(?=\s)", re.MULTILINE)


class Untranslatable(ValueError):
    """A page has a construct that `Translator` does not know; the text names it."""


@dataclass(frozen=True)
class Code:
    """The place of a code cell of the page among the blocks of text."""

    index: int


Block = str | Code


@dataclass
class Translator:
    """Writes a resolved page as Markdown blocks and places for its code cells.

    ``url`` turns a reference into an absolute address. ``number`` gives the printed
    number of an element, or "", from its kind (``section``, ``figure``, ``table``,
    ``exercise``, ``displaymath``) and its names.
    """

    url: Callable[[nodes.Element], str]
    number: Callable[[str, list[str]], str]
    depth: int = field(default=0)

    def blocks(self, node: nodes.Node) -> Iterator[Block]:
        """Yield what a node of block level becomes."""
        if isinstance(node, IGNORED):
            return
        name = type(node).__name__
        if isinstance(node, nodes.admonition) or type(node) in NAMED_ADMONITIONS:
            yield from self._admonition(node)
        elif isinstance(node, nodes.container) and node.get("nb_element"):
            yield from self._cell(node)
        elif hasattr(self, f"_{name}"):
            yield from getattr(self, f"_{name}")(node)
        elif isinstance(node, TRANSPARENT):
            yield from self._children(node)
        else:
            raise Untranslatable(f"<{name}> {node.astext()[:60]!r}")

    def _children(self, node: nodes.Element) -> Iterator[Block]:
        for child in node.children:
            yield from self.blocks(child)

    def _texts(self, node: nodes.Element) -> list[str]:
        """Return the blocks of a node that cannot hold a code cell."""
        found = list(self._children(node))
        if not all(isinstance(block, str) for block in found):
            raise Untranslatable(f"a code cell inside <{type(node).__name__}>")
        return found

    # sections and paragraphs

    def _section(self, node: nodes.section) -> Iterator[Block]:
        self.depth += 1
        yield from self._children(node)
        self.depth -= 1

    def _title(self, node: nodes.title) -> Iterator[Block]:
        number = self.number("section", node.parent["ids"])
        yield " ".join(filter(None, ["#" * self.depth, number, self.inline(node)]))

    def _paragraph(self, node: nodes.paragraph) -> Iterator[Block]:
        yield STARTS_A_BLOCK.sub(r"\\\1", self.inline(node))

    def _PassthroughTextElement(self, node: nodes.Element) -> Iterator[Block]:
        yield self.inline(node)

    def _rubric(self, node: nodes.rubric) -> Iterator[Block]:
        yield f"**{self.inline(node)}**"

    def _transition(self, node: nodes.transition) -> Iterator[Block]:
        yield "---"

    def _block_quote(self, node: nodes.block_quote) -> Iterator[Block]:
        yield quoted("\n\n".join(self._texts(node)))

    def _attribution(self, node: nodes.attribution) -> Iterator[Block]:
        yield f"— {self.inline(node)}"

    # lists and tables

    def _bullet_list(self, node: nodes.bullet_list) -> Iterator[Block]:
        yield self._list(node, ["-"] * len(node))

    def _enumerated_list(self, node: nodes.enumerated_list) -> Iterator[Block]:
        first = node.get("start", 1)
        yield self._list(node, [f"{first + i}." for i in range(len(node))])

    def _list(self, node: nodes.Element, marks: list[str]) -> str:
        items = [self._texts(item) for item in node.children]
        loose = any(len(item) > 1 for item in items)
        texts = ["\n\n".join(item) for item in items]
        return ("\n\n" if loose else "\n").join(
            f"{mark} {indented(text, len(mark) + 1)}"
            for mark, text in zip(marks, texts, strict=True)
        )

    def _definition_list(self, node: nodes.definition_list) -> Iterator[Block]:
        for item in node.children:
            terms = [self.inline(t) for t in item.children if isinstance(t, nodes.term)]
            yield f"**{', '.join(terms)}**"
            for child in item.children:
                if isinstance(child, nodes.definition):
                    yield quoted("\n\n".join(self._texts(child)))

    def _glossary(self, node: nodes.Element) -> Iterator[Block]:
        yield from self._children(node)

    def _field_list(self, node: nodes.field_list) -> Iterator[Block]:
        yield "\n".join(
            f"- **{self.inline(one[0])}**: {' '.join(self._texts(one[1]))}"
            for one in node.children
        )

    def _table(self, node: nodes.table) -> Iterator[Block]:
        for title in node.findall(nodes.title):
            yield self._caption("table", node["ids"], title)
        rows = [
            [" ".join(self._texts(entry)) for entry in row.children]
            for row in node.findall(nodes.row)
        ]
        if next(node.findall(nodes.thead), None) is None:
            rows.insert(0, [""] * len(rows[0]))
        rows.insert(1, ["---"] * len(rows[0]))
        yield "\n".join(f"| {' | '.join(map(in_a_table, row))} |" for row in rows)

    # mathematics, code, pictures

    def _math_block(self, node: nodes.math_block) -> Iterator[Block]:
        number = self.number("displaymath", node["ids"])
        tag = f"\n\\tag{{{number}}}" if number else ""
        latex = node.astext().strip()
        if r"\\" in latex and r"\begin{" not in latex:
            latex = rf"\begin{{split}}{latex}\end{{split}}"
        yield f"$$\n{latex}{tag}\n$$"

    def _literal_block(self, node: nodes.literal_block) -> Iterator[Block]:
        language = node.get("language", "").replace("none", "")
        fence = "`" * (longest_run("`", node.astext()) + 3)
        yield f"{fence}{language}\n{node.astext()}\n{fence}"

    def _cell(self, node: nodes.container) -> Iterator[Block]:
        if node["nb_element"] != "cell_code":
            raise Untranslatable(f"a part of a cell, {node['nb_element']}")
        yield Code(node["cell_index"])
        for figure in node.findall(nodes.figure):  # the cell itself draws the picture
            yield from self._captions(figure)

    def _figure(self, node: nodes.figure) -> Iterator[Block]:
        for image in node.findall(nodes.image):
            yield self.inline_of(image)
        yield from self._captions(node)

    def _captions(self, figure: nodes.figure) -> Iterator[Block]:
        for caption in figure.findall(nodes.caption):
            yield self._caption("figure", figure["ids"], caption)
        for legend in figure.findall(nodes.legend):
            yield from self._children(legend)

    def _caption(self, kind: str, ids: list[str], node: nodes.Element) -> str:
        number = self.number(kind, ids)
        return f"**{number}.** {self.inline(node)}" if number else self.inline(node)

    def _image(self, node: nodes.image) -> Iterator[Block]:
        yield self.inline_of(node)

    def _raw(self, node: nodes.raw) -> Iterator[Block]:
        # The site's own drawings and scripts mean nothing in a notebook.
        if "html" in node.get("format", "") and not SITE_ONLY.search(node.astext()):
            yield node.astext()

    # boxes

    def _admonition(self, node: nodes.Element) -> Iterator[Block]:
        title = NAMED_ADMONITIONS.get(type(node), "")
        content = list(node.children)
        if content and isinstance(content[0], nodes.title):
            title = self.inline(content.pop(0))
        yield from self._box(title, content, folded="dropdown" in node["classes"])

    def _dropdown_main(self, node: nodes.Element) -> Iterator[Block]:
        title, *content = node.deepcopy().children
        for icon in list(title.findall(nodes.raw)):
            icon.parent.remove(icon)
        yield from self._box(self.inline(title).strip() or "More", content, folded=True)

    def _box(
        self, title: str, content: list[nodes.Node], *, folded: bool
    ) -> Iterator[Block]:
        inner = [block for child in content for block in self.blocks(child)]
        if not all(isinstance(block, str) for block in inner):
            yield f"**{title}**"
            yield from inner
        elif folded:
            opening = f"<details>\n<summary>{as_html(title)}</summary>"
            yield "\n\n".join([opening, *inner, "</details>"])
        else:
            yield quoted("\n\n".join([f"**{title}**", *inner]))

    def _exercise_enumerable_node(self, node: nodes.Element) -> Iterator[Block]:
        title, *content = node.children
        number = self.number("exercise", node["ids"])
        yield f"**{number}{self.inline(title)}**"
        for child in content:
            yield from self.blocks(child)

    def _exercise_node(self, node: nodes.Element) -> Iterator[Block]:
        yield from self._exercise_enumerable_node(node)

    def _solution_node(self, node: nodes.Element) -> Iterator[Block]:
        title, *content = node.children
        yield f"**{self.inline(title)}**"
        for child in content:
            yield from self.blocks(child)

    # inside a line

    def inline(self, node: nodes.Element) -> str:
        """Return the content of a node as one run of text."""
        return "".join(map(self.inline_of, node.children))

    def inline_of(self, node: nodes.Node) -> str:
        """Return what a node inside a line becomes."""
        if isinstance(node, nodes.Text):
            return SPECIAL.sub(r"\\\1", node.astext())
        if isinstance(node, IGNORED):
            return ""
        if isinstance(node, nodes.math):
            return f"${node.astext()}$"
        if isinstance(node, nodes.literal) and plain(node):
            ticks = "`" * (longest_run("`", node.astext()) + 1)
            return f"{ticks}{node.astext()}{ticks}"
        if isinstance(node, nodes.reference):
            text = self.inline(node)
            before, after = re.match(r"\s*", text)[0], re.search(r"\s*$", text)[0]
            return f"{before}[{text.strip()}]({self.url(node)}){after}"
        if isinstance(node, nodes.image):
            return f"![{node.get('alt', '')}]({self.url(node)})"
        if isinstance(node, nodes.raw):
            return node.astext() if "html" in node.get("format", "") else ""
        marks = {nodes.emphasis: "*", nodes.strong: "**", nodes.title_reference: "*"}
        if type(node) in marks:
            return f"{marks[type(node)]}{self.inline(node)}{marks[type(node)]}"
        tags = {nodes.subscript: "sub", nodes.superscript: "sup"}
        if type(node) in tags:
            return f"<{tags[type(node)]}>{self.inline(node)}</{tags[type(node)]}>"
        if isinstance(node, (nodes.inline, nodes.abbreviation, nodes.literal)):
            return self.inline(node)
        raise Untranslatable(f"<{type(node).__name__}> {node.astext()[:60]!r}")


def plain(node: nodes.literal) -> bool:
    """Tell code from a reference, which Sphinx wraps in the same node."""
    return all(isinstance(child, nodes.Text) for child in node.children)


def longest_run(character: str, text: str) -> int:
    """Return how often a character stands in a row at most."""
    runs = re.findall(f"{re.escape(character)}+", text)
    return max(map(len, runs), default=0)


def quoted(text: str) -> str:
    r"""Return a block quote.

    >>> print(quoted("One.\n\nTwo."))
    > One.
    >
    > Two.
    """
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def indented(text: str, width: int) -> str:
    """Indent every line but the first, and no empty one."""
    return re.sub(r"\n(?=[^\n])", "\n" + " " * width, text)


def in_a_table(text: str) -> str:
    """Return text for a cell of a table: on one line, and no bar that ends the cell."""
    return text.replace("\n", " ").replace("|", r"\vert " if "$" in text else r"\|")


def as_html(title: str) -> str:
    """Return a title for a place where HTML stands and Markdown is not read."""
    return re.sub(r"[*`]|\\(?=[*`_\[\]<$])", "", title)


def cells_of_page(
    translator: Translator, doctree: nodes.document, code: Callable[[int], dict]
) -> list[dict]:
    """Return the cells of a page: text, cut before every heading, and its code."""
    cells: list[dict] = []
    text: list[str] = []

    def end_text() -> None:
        if text:
            cells.append(markdown_cell("\n\n".join(text)))
            text.clear()

    for block in translator.blocks(doctree):
        if isinstance(block, Code):
            end_text()
            cells.append(code(block.index))
        else:
            if re.match(r"#{1,6} ", block):
                end_text()
            text.append(block)
    end_text()
    return cells


def link_of(publication: Publication, page: str) -> Callable[[nodes.Element], str]:
    """Return the function that gives a reference on a page its absolute address."""
    here = urljoin(publication.site, f"{page}.html")

    def url(node: nodes.Element) -> str:
        if node.get("refid"):
            return f"{here}#{node['refid']}"
        return urljoin(here, node.get("refuri") or node.get("uri") or "")

    return url
