"""The few charts of the report, as inline SVG that follows light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def histogram(values: Sequence[float], top: float, title: str, bins: int = 10) -> str:
    """Draw how many values fall into each of ``bins`` equal parts of 0 … ``top``."""
    counts = [0] * bins
    for value in values:
        part = int(bins * value / top) if top else 0
        counts[min(max(part, 0), bins - 1)] += 1
    most = max(counts, default=0) or 1
    width, height, base = 560, 220, 180
    step = width / bins
    shapes = []
    for i, count in enumerate(counts):
        tall = 150 * count / most
        x = i * step
        shapes.append(
            f'<rect x="{x + 2:.1f}" y="{base - tall:.1f}" width="{step - 4:.1f}" '
            f'height="{tall:.1f}" rx="3" class="bar"><title>{count}</title></rect>'
        )
        if count:
            shapes.append(_text(x + step / 2, base - tall - 6, str(count), "middle"))
        shapes.append(_text(x, base + 18, f"{top * i / bins:g}", "middle", "muted"))
    shapes.append(_text(width, base + 18, f"{top:g}", "middle", "muted"))
    shapes.append(f'<line x1="0" x2="{width}" y1="{base}" y2="{base}" class="line"/>')
    said = ", ".join(
        f"{c} from {top * i / bins:g} to {top * (i + 1) / bins:g}"
        for i, c in enumerate(counts)
        if c
    )
    return _svg(width + 24, height, f"{title}: {said or 'nothing'}", shapes, left=-12)


def bars(
    rows: Sequence[tuple[str, float, str]],
    title: str,
    kind: str = "bar",
    wide: int = 320,
) -> str:
    """Draw rows of (label, share between 0 and 1, text behind the bar)."""
    tall, left = 40, 8
    shapes = []
    for i, (label, share, note) in enumerate(rows):
        y = i * tall
        length = max(0.0, min(1.0, share)) * wide
        shapes += [
            f'<rect x="{left}" y="{y + 18}" width="{wide}" height="9" rx="4" '
            'class="track"/>',
            f'<rect x="{left}" y="{y + 18}" width="{length:.1f}" height="9" rx="4" '
            f'class="{kind}"/>',
            _text(left, y + 12, _cut(label, 84)),
            _text(left + wide + 10, y + 27, note, css="muted"),
        ]
    said = "; ".join(f"{label}: {note}" for label, _, note in rows)
    return _svg(620, tall * max(len(rows), 1) + 6, f"{title}: {said}", shapes)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _text(
    x: float, y: float, text: str, anchor: str = "start", css: str = "ink"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">'
        f"{escape(text)}</text>"
    )


def _svg(
    width: int, height: int, label: str, shapes: Sequence[str], left: int = 0
) -> str:
    return (
        f'<svg role="img" aria-label="{escape(label, quote=True)}" '
        f'viewBox="{left} 0 {width} {height}" width="{width}" height="{height}">'
        f"{''.join(shapes)}</svg>"
    )
