"""Warn when a picture has no text alternative, so that the strict build fails.

Looks at images and figures of the pages, at pictures among cell outputs, and at
``<img>`` and ``<svg>`` inside raw HTML.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
IMG_ALT = re.compile(r"\balt\s*=", re.IGNORECASE)  # alt="" marks decoration
SVG = re.compile(r"<svg\b[^>]*>", re.IGNORECASE)
SVG_NAME = re.compile(
    r"aria-label(ledby)?\s*=\s*[\"'][^\"']|aria-hidden", re.IGNORECASE
)


def unnamed_pictures(html: str) -> list[str]:
    """Return the opening tags of pictures without a text alternative.

    >>> unnamed_pictures('<img src="a.png" alt="An edge."><img src="b.png">')
    ['<img src="b.png">']
    >>> unnamed_pictures('<svg role="img" aria-label="A kernel."></svg>')
    []
    """
    images = [tag for tag in IMG.findall(html) if not IMG_ALT.search(tag)]
    drawings = [tag for tag in SVG.findall(html) if not SVG_NAME.search(tag)]
    return images + drawings


def check(app: Sphinx, doctree: nodes.document) -> None:
    for image in doctree.findall(nodes.image):
        if not image.get("alt", "").strip():
            _warn(f"picture {image.get('uri', '')!r} has no alternative text", image)
    for raw in doctree.findall(nodes.raw):
        if "html" in raw.get("format", ""):
            for tag in unnamed_pictures(raw.astext()):
                _warn(f"picture {tag[:80]!r} has no alternative text", raw)


def _warn(message: str, node: nodes.Node) -> None:
    logger.warning(
        f"{message}: add `alt` (figure, image), or draw it with "
        "course_lib.plotting.show(figure, alt=...)",
        location=node,
        type="alt",
    )


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
