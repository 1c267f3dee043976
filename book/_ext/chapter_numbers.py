"""Number the book's pages as sections of one chapter: 6.1, 6.1.1 … instead of 1, 1.1 ….

Sphinx starts every numbered table of contents at 1. The course is one chapter of a
larger outline, so its number (``chapter_number`` in ``_config.yml``) is put in front of
every section number before figures, equations and cross references are numbered from
them.

The role ``{secnum}`pooling` `` prints the number of a page, so that none is typed.
"""

from __future__ import annotations

import copy
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx_external_toc.collectors import (
    TocTreeCollectorWithStyles,
    disable_builtin_toctree_collector,
)

logger = logging.getLogger(__name__)


class ChapterCollector(TocTreeCollectorWithStyles):
    """The table-of-contents collector, with the chapter's number in front."""

    def assign_section_numbers(self, env: BuildEnvironment) -> list[str]:
        """Assign a number to all sections; return the pages whose numbers are new."""
        published = copy.deepcopy(env.toc_secnumbers)
        super().assign_section_numbers(env)
        chapter = env.config.chapter_number
        for docname, numbers in env.toc_secnumbers.items():
            for anchor, number in numbers.items():
                if number:
                    numbers[anchor] = (chapter, *number)
            title = env.titles[docname]
            if title.get("secnumber"):
                title["secnumber"] = [chapter, *title["secnumber"]]
            for link in env.tocs[docname].findall(nodes.reference):
                if link.get("secnumber"):
                    link["secnumber"] = [chapter, *link["secnumber"]]
        return [
            docname
            for docname, numbers in env.toc_secnumbers.items()
            if numbers != published.get(docname)
        ]


class page_number(nodes.Inline, nodes.TextElement):  # noqa: N801, a docutils node
    """Stands for the number of a page until all pages are numbered."""


class PageNumberRole(SphinxRole):
    """Read ``{secnum}`page` ``; the page is named as in a link from here."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a node that stands for the number."""
        docname = self.env.relfn2path(f"{self.text}.md")[0].removesuffix(".md")
        node = page_number(self.rawtext, self.text, docname=docname)
        self.set_source_info(node)
        return [node], []


def page_numbers(env: BuildEnvironment, docname: str) -> list[int]:
    """Return a page's number as a list, [6, 3]; empty for a page without one."""
    title = env.titles.get(docname)
    return list(title.get("secnumber") or []) if title is not None else []


def print_page_numbers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the numbers in the place of the nodes that stand for them."""
    for node in list(doctree.findall(page_number)):
        number = page_numbers(app.env, node["docname"])
        if not number:
            logger.warning("page %r has no number", node["docname"], location=node)
        text = ".".join(map(str, number))
        node.replace_self(nodes.inline(text, text, classes=["section-number"]))


def tell_template(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give the page template the place of a page in its chapter, from 1."""
    number = page_numbers(app.env, pagename)
    context["section_position"] = number[1] if len(number) == 2 else None


def setup(app: Sphinx) -> dict[str, object]:
    app.add_config_value("chapter_number", 1, "env", int)
    app.setup_extension("sphinx_external_toc")
    disable_builtin_toctree_collector(app)
    app.add_env_collector(ChapterCollector)
    app.add_node(page_number)
    app.add_role("secnum", PageNumberRole())
    app.connect("doctree-resolved", print_page_numbers)
    app.connect("html-page-context", tell_template)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
