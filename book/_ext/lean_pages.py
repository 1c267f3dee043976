"""Take from every page what it loads and does not use.

*Font Awesome* draws a dozen icons and weighs 0.54 MB compressed as a script, more than
the rest of a page, or 0.16 MB as a font. The script also replaces ``<i>`` elements
under the widgets' feet. ``course.css`` draws the icons instead, so script, fonts and
the rules for 1,400 icons go.

*Thebe* starts kernels on a public service; the book promises to work without one.
Jupyter Book adds its settings to every page, twice, which is a ``SyntaxError`` in every
browser.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

FONT_AWESOME = re.compile(r"<script[^>]*fontawesome\.js[^>]*></script>")
ICON_RULES = re.compile(
    r"""(?:\.fa-[a-z0-9-]+:before,?)+\{content:"[^"]*"\}   # one rule per icon
    |   @font-face\{[^}]*Font\s?Awesome[^}]*\}              # and the fonts""",
    re.VERBOSE,
)


def without_font_awesome(head: str) -> str:
    """Drop the script tag that loads Font Awesome from the rendered head."""
    return FONT_AWESOME.sub("", head)


def without_icon_rules(sheet: str) -> str:
    """Drop Font Awesome's icons and fonts from the theme's style sheet."""
    return ICON_RULES.sub("", sheet)


def prune_static(app: Sphinx, exception: Exception | None) -> None:
    """Remove Font Awesome's files, and its rules, from the built site."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)
    for file in static.glob("scripts/fontawesome.js*"):
        file.unlink()
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    lean = without_icon_rules(sheet.read_text(encoding="utf-8"))
    sheet.write_text(lean, encoding="utf-8")


def _is_thebe(file: Any) -> bool:
    body = getattr(file, "attributes", {}).get("body") or ""
    return "thebe" in f"{getattr(file, 'filename', file)} {body}".lower()


def drop_thebe(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Remove Thebe's scripts and styles from this page."""
    for kind in ("script_files", "css_files"):
        if kind in context:
            context[kind][:] = [f for f in context[kind] if not _is_thebe(f)]


def add_filter(app: Sphinx) -> None:
    environment = getattr(app.builder.templates, "environment", None)
    if environment is not None:
        environment.filters["without_font_awesome"] = without_font_awesome


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("builder-inited", add_filter)
    app.connect("html-page-context", drop_thebe, priority=990)
    app.connect("build-finished", prune_static, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
