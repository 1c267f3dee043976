"""Two kinds of drawings made from text, in the book's colours, light and dark.

``{flow}`` draws boxes and arrows. Each line of its content is a row; boxes that stand
in the same column are drawn below each other::

    ```{flow}
    :alt: The notebook is released, answered and graded.
    notebook.md|with answers -> student notebook -[submit]-> !answers
    -> +hidden checks
    ```

Arrows are ``->``, ``<-`` and ``<->``, or with words ``-[submit]->``; a ``|`` breaks a
line, ``!`` colours a box as *not trusted* (orange), ``+`` as *trusted*
(green), ``=`` as *data* (blue), and an empty box leaves its place free.

A line ``% exercise-map: pooling`` becomes a table, as a picture, of that section's
exercises: how hard each is and what it trains. It is read from the section's source, so
it cannot disagree with it.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

COLOURS = {"!": "kernel", "+": "output", "=": "input"}
ARROW = re.compile(r"\s+(<?)-(?:\[([^\]]*)\]-)?(>?)\s+")
LINE, PADDING, GAP, LETTER = 17, 9, 34, 7.0  # pixels, at 13 pixels a letter's height


def _text(x: float, y: float, text: str, **more: object) -> str:
    style = {"text-anchor": "middle", "fill": "var(--cnn-ink, #1c2430)", **more}
    attributes = " ".join(f'{name}="{value}"' for name, value in style.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'


def _svg(width: float, height: float, alt: str, parts: list[str]) -> str:
    return (
        f'<svg class="diagram" role="img" aria-label="{escape(alt)}" '
        f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" font-size="13" style="max-width:100%;height:auto;'
        f'font-family:var(--cnn-ui,sans-serif)">{"".join(parts)}</svg>'
    )


def read_row(line: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Split a row into its boxes and the arrows between them: label and heads.

    >>> read_row("a -> !b-c|d <-[tensors]-> +e <-[no]- f")
    (['a', '!b-c|d', '+e', 'f'], [('', '>'), ('tensors', '<>'), ('no', '<')])
    """
    pieces = ARROW.split(f" {line.strip()}")
    arrows = [
        (label or "", back + forth)
        for back, label, forth in zip(
            pieces[1::4], pieces[2::4], pieces[3::4], strict=True
        )
    ]
    return [box.strip() for box in pieces[0::4]], arrows


def draw_flow(rows: list[str], alt: str) -> str:
    """Return the drawing as SVG."""
    table = [read_row(row) for row in rows if row.strip()]
    count = max(len(boxes) for boxes, _ in table)
    widths, gaps = [44.0] * count, [float(GAP)] * count
    for boxes, arrows in table:
        for c, box in enumerate(boxes):
            longest = max(len(text) for text in box.lstrip("!+=").split("|"))
            widths[c] = max(widths[c], LETTER * longest + 2 * PADDING)
        for c, (label, _) in enumerate(arrows):
            gaps[c] = max(gaps[c], 6.2 * len(label) + 20 if label else GAP)
    left = [2 + sum(widths[:c]) + sum(gaps[:c]) for c in range(count)]
    parts, top = [], 2.0
    for boxes, arrows in table:
        tall = max(len(box.split("|")) for box in boxes) * LINE + 2 * PADDING
        middle = top + tall / 2
        for c, box in enumerate(boxes):
            if not box:
                continue
            colour = COLOURS.get(box[0])
            ink = f"var(--cnn-{colour})" if colour else "var(--cnn-muted, #566172)"
            parts.append(
                f'<rect x="{left[c]:.1f}" y="{top:.1f}" width="{widths[c]:.1f}" '
                f'height="{tall}" rx="7" fill="{ink}" fill-opacity="0.12" '
                f'stroke="{ink}" stroke-width="1.4"/>'
            )
            texts = box.lstrip("!+=").split("|")
            for k, text in enumerate(texts):
                y = middle + (k - (len(texts) - 1) / 2) * LINE + 4.5
                weight = "600" if k == 0 else "400"
                x = left[c] + widths[c] / 2
                parts.append(_text(x, y, text, **{"font-weight": weight}))
        for c, (label, ends) in enumerate(arrows):
            if not boxes[c] or not boxes[c + 1]:
                continue
            x1, x2 = left[c] + widths[c] + 3, left[c + 1] - 3
            heads = ""
            if ">" in ends:
                heads += f"M{x2 - 7:.1f} {middle - 4:.1f}L{x2:.1f} {middle:.1f}"
                heads += f"L{x2 - 7:.1f} {middle + 4:.1f}"
            if "<" in ends:
                heads += f"M{x1 + 7:.1f} {middle - 4:.1f}L{x1:.1f} {middle:.1f}"
                heads += f"L{x1 + 7:.1f} {middle + 4:.1f}"
            parts.append(
                f'<path d="M{x1:.1f} {middle:.1f}H{x2:.1f}{heads}" fill="none" '
                'stroke="var(--cnn-muted, #566172)" stroke-width="1.4"/>'
            )
            if label:
                x = (x1 + x2) / 2
                small = {"font-size": 11, "fill": "var(--cnn-muted, #566172)"}
                parts.append(_text(x, middle - 6, label, **small))
        top += tall + 14
    return _svg(left[-1] + widths[-1] + 2, top - 12, alt, parts)


class Flow(SphinxDirective):
    """Draw boxes and arrows from lines of text."""

    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012, docutils' way

    def run(self) -> list[nodes.Node]:
        """Return the drawing as raw HTML."""
        if "alt" not in self.options:
            raise self.error("a {flow} needs an :alt: that says what it shows")
        drawing = draw_flow(list(self.content), self.options["alt"])
        node = nodes.raw("", f'<p class="flow">{drawing}</p>', format="html")
        self.set_source_info(node)
        return [node]


# -- the map of a section's exercises --------------------------------------------------

REQUEST = re.compile(r"^% exercise-map: (?P<section>[a-z-]+)$", re.MULTILINE)
EXERCISE = re.compile(
    r"^```\{exercise\}(?P<title>[^\n]*)\n.*?"
    r"^(?P<dots>[●○]{3}) (?P<level>\w+) · (?P<skills>[a-z, ]+) ·",
    re.MULTILINE | re.DOTALL,
)
SKILLS = ("code", "derivation", "experiment", "judgement", "shape arithmetic")


def exercises(source: str) -> list[tuple[str, str, list[str]]]:
    """List title, level and skills of a section's exercises, in order."""
    return [
        (found["title"].strip(), found["level"], found["skills"].split(", "))
        for found in EXERCISE.finditer(source)
    ]


def draw_map(listed: list[tuple[str, str, list[str]]]) -> str:
    """Return the table as SVG."""
    levels = {"easy": 1, "medium": 2, "project": 3}
    step, head = 23, 30
    x_dots = 16 + 7.4 * max(len(title) for title, _, _ in listed)
    x_skills = x_dots + 76
    slot = 88
    parts = []
    for k, skill in enumerate(("how hard", *SKILLS)):
        x = x_dots + 22 if k == 0 else x_skills + slot * (k - 1) + slot / 2
        small = {"font-size": 11.5, "fill": "var(--cnn-muted, #566172)"}
        parts.append(_text(x, 14, skill, **small))
    for row, (title, level, skills) in enumerate(listed):
        y = head + step * row + step / 2
        if row % 2 == 0:
            parts.append(
                f'<rect x="0" y="{y - step / 2:.1f}" width="{x_skills + 5 * slot:.0f}" '
                f'height="{step}" fill="var(--cnn-panel, #f6f2e9)"/>'
            )
        parts.append(_text(6, y + 4.5, title, **{"text-anchor": "start"}))
        for dot in range(3):
            fill = "var(--cnn-kernel, #b3470b)" if dot < levels[level] else "none"
            parts.append(
                f'<circle cx="{x_dots + 8 + 14 * dot:.1f}" cy="{y:.1f}" r="4.2" '
                f'fill="{fill}" stroke="var(--cnn-kernel, #b3470b)"/>'
            )
        for k, skill in enumerate(SKILLS):
            if skill in skills:
                parts.append(
                    f'<rect x="{x_skills + slot * k + slot / 2 - 7:.1f}" '
                    f'y="{y - 7:.1f}" width="14" height="14" rx="3" '
                    'fill="var(--cnn-output, #1f7350)"/>'
                )
    said = "; ".join(
        f"{title}, {level}: {', '.join(skills)}" for title, level, skills in listed
    )
    alt = (
        f"The exercises of this section, how hard they are and what they train. {said}."
    )
    return _svg(x_skills + 5 * slot, head + step * len(listed), alt, parts)


def insert_map(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the request in a page by the drawing."""

    def drawing(request: re.Match[str]) -> str:
        file = Path(app.srcdir) / "book" / f"{request['section']}.md"
        app.env.note_dependency(str(file))
        listed = exercises(file.read_text(encoding="utf-8"))
        return f'<p class="flow">{draw_map(listed)}</p>'

    source[0] = REQUEST.sub(drawing, source[0])


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("flow", Flow)
    app.connect("source-read", insert_map)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
