"""Show under each page's title how long it takes to read.

Counted is what a reader reads: words of prose, lines of code, formulas and pictures,
each at a slow reader's pace. Exercises and hidden code are not counted, as nobody can
say how long they take. Pages that are looked things up in, not read, have no line:
their front matter says ``reading_time: false``.
"""

from __future__ import annotations

import math
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

WORDS_PER_MINUTE = 200
SECONDS_PER_LINE = 4  # of code or output
SECONDS_PER_FORMULA = 12
SECONDS_PER_PICTURE = 15
LONGEST_OUTPUT = 30  # lines; what is longer is looked over, not read

ASIDE = ("exercise", "hide", "tag_remove-input", "tag_hide-input")
PICTURE = re.compile(r"<(?:svg|img)\b", re.IGNORECASE)


def _aside(node: nodes.Node) -> bool:
    """Tell whether a node stands in an exercise or in a cell that is folded away."""
    while node is not None:
        names = [*getattr(node, "attributes", {}).get("classes", []), node.tagname]
        if any(name.startswith(ASIDE) for name in names):
            return True
        node = node.parent
    return False


def seconds(doctree: nodes.Node) -> float:
    """Add up the time that a page takes.

    >>> page = nodes.section("", nodes.paragraph("", "word " * 400))
    >>> seconds(page)
    120.0
    """
    words = lines = formulas = pictures = 0
    for node in doctree.findall():
        if isinstance(node, nodes.image):
            pictures += 1
        elif isinstance(node, nodes.raw):
            pictures += bool(PICTURE.search(node.astext()))
        elif _aside(node):
            continue
        elif isinstance(node, nodes.literal_block):
            count = sum(bool(line.strip()) for line in node.astext().splitlines())
            lines += min(count, LONGEST_OUTPUT)
        elif isinstance(node, nodes.math_block):
            formulas += 1
        elif isinstance(node, nodes.Text):
            inside = node.parent
            if not isinstance(
                inside,
                nodes.literal_block | nodes.math_block | nodes.raw | nodes.comment,
            ):
                words += len(node.astext().split())
    return (
        60 * words / WORDS_PER_MINUTE
        + SECONDS_PER_LINE * lines
        + SECONDS_PER_FORMULA * formulas
        + SECONDS_PER_PICTURE * pictures
    )


def in_words(duration: float) -> str:
    """Say a time in minutes: exact below ten, then in steps of five.

    >>> in_words(40), in_words(200), in_words(1300)
    ('1 minute', '4 minutes', '20 minutes')
    """
    minutes = max(1, math.ceil(duration / 60))
    if minutes > 10:
        minutes = 5 * round(minutes / 5)
    return f"{minutes} minute{'s' * (minutes > 1)}"


def show(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Put the line behind the page's title."""
    if doctree is None or "body" not in context:
        return
    if str(context.get("meta", {}).get("reading_time")).lower() == "false":
        return
    duration = in_words(seconds(doctree))
    exercises = any(node.tagname.startswith("exercise_") for node in doctree.findall())
    apart = ", exercises apart" if exercises else ""
    line = f'</h1>\n<p class="reading-time">{duration} to read{apart}</p>'
    context["body"] = context["body"].replace("</h1>", line, 1)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", show)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
