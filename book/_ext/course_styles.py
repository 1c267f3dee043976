"""Two colour schemes for code, readable on the book's panels in light and in dark.

Every colour has a contrast of at least 4.5 : 1 with its background (``tests/book``
computes it). The roles follow the book's colours: strings and numbers are data, so they
wear *input* blue and *output* green; keywords act, so they wear *kernel* orange.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydata_sphinx_theme.pygments import get_pygments_stylesheet
from pygments.style import Style
from pygments.token import (
    Comment,
    Error,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Token,
)
from sphinx.application import Sphinx


def _scheme(ink: str, quiet: str, act: str, data: str, text: str, name: str) -> dict:
    return {
        Token: ink,
        Comment: f"italic {quiet}",
        Keyword: act,
        Keyword.Constant: data,
        Keyword.Namespace: act,
        Operator: quiet,
        Operator.Word: act,
        Punctuation: quiet,
        Number: data,
        String: text,
        String.Doc: f"italic {quiet}",
        String.Interpol: data,
        Name: ink,
        Name.Builtin: name,
        Name.Class: f"bold {name}",
        Name.Decorator: name,
        Name.Exception: name,
        Name.Function: name,
        Name.Function.Magic: name,
        Name.Builtin.Pseudo: quiet,
        Name.Tag: act,
        Name.Attribute: name,
        Generic.Prompt: quiet,
        Generic.Output: ink,
        Generic.Error: act,
        Generic.Traceback: act,
        Generic.Heading: f"bold {ink}",
        Error: act,
    }


class Light(Style):
    """Dark ink on the warm panel."""

    name = "course-light"
    background_color = "#f6f2e9"
    styles: ClassVar = _scheme(
        "#1c2430", "#566172", "#a03f0a", "#1f5a9a", "#1b6849", "#6b3fa0"
    )


class Dark(Style):
    """Light ink on the blue-grey panel."""

    name = "course-dark"
    background_color = "#1c222c"
    styles: ClassVar = _scheme(
        "#e8e6e0", "#a8b0bd", "#f3a272", "#79b8f3", "#66cc9f", "#c3a1f0"
    )


def write_styles(app: Sphinx, exception: Exception | None) -> None:
    """Replace the theme's style sheet for code; it takes installed styles only."""
    if exception is None and app.builder.format == "html":
        sheet = Path(app.outdir) / "_static" / "pygments.css"
        sheet.write_text(get_pygments_stylesheet(Light, Dark), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("build-finished", write_styles, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
