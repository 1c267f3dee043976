"""Static pictures of explorers: grids of cells as one inline SVG."""

import base64
import html
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

Colour = tuple[int, int, int]
Matrix = Sequence[Sequence[float]]

# Cells smaller than this hold no numbers and are drawn as one picture.
RASTER_BELOW = 12.0

ORANGE: Colour = (0xB3, 0x47, 0x0B)
NEUTRAL: Colour = (0xF4, 0xF1, 0xEA)
BLUE: Colour = (0x25, 0x63, 0xA8)
GREEN: Colour = (0x1F, 0x73, 0x50)
TOKENS = {
    "input": "var(--cnn-input, #2563a8)",
    "kernel": "var(--cnn-kernel, #b3470b)",
    "output": "var(--cnn-output, #1f7350)",
    "ink": "var(--cnn-ink, #1c2430)",
    "muted": "var(--cnn-muted, #566172)",
    "line": "var(--cnn-line, #d8d2c4)",
    "pad": "var(--cnn-pad, #b9b2a3)",
    "accent": "var(--cnn-accent, #6b3fa0)",
}


def mix(start: Colour, end: Colour, t: float) -> Colour:
    """Return the colour a fraction t of the way; t is cut to [0, 1]."""
    t = min(max(t, 0.0), 1.0)
    return tuple(  # type: ignore[return-value]
        round(a + (b - a) * t) for a, b in zip(start, end, strict=True)
    )


def grey(value: float) -> Colour:
    """Return the colour of an image value: black at 0, white at 1.

    >>> grey(1.0)
    (255, 255, 255)
    """
    return mix((0, 0, 0), (255, 255, 255), value)


def signed(value: float, top: float) -> Colour:
    """Return orange below zero, blue above; ±top are the ends of the map.

    >>> signed(-2.0, 2.0) == ORANGE, signed(0.0, 2.0) == NEUTRAL
    (True, True)
    """
    share = value / top if top else 0.0
    return mix(NEUTRAL, BLUE if share > 0 else ORANGE, abs(share))


def heat(value: int, top: int) -> Colour:
    """Return green that deepens with a count from 0 to top."""
    return mix(NEUTRAL, GREEN, value / top if top else 0.0)


@dataclass
class Panel:
    """One grid of a picture: a title, cells, and frames drawn over them.

    ``frames`` are (row, column, height, width, token) in cells.
    """

    title: str
    rows: int
    columns: int
    fill: Callable[[int, int], Colour | None]
    text: Callable[[int, int], str] = lambda r, c: ""
    role: str = "ink"
    cell: float = 30.0
    frames: list[tuple[int, int, int, int, str]] = field(default_factory=list)


def number(value: float) -> str:
    """Return a number as it is printed in a cell: two digits, a true minus sign.

    >>> number(-1.0), number(0.988)
    ('−1', '0.99')
    """
    return f"{round(value, 2) + 0.0:g}".replace("-", "−")


def grids(label: str, panels: Sequence[Panel], gap: float = 28.0) -> str:
    """Return the panels side by side as an ``<svg role="img">`` with that label.

    >>> dot = Panel("Input", 1, 1, fill=lambda r, c: grey(0.5))
    >>> grids("one grey pixel", [dot]).startswith('<svg role="img"')
    True
    """
    parts = []
    x = 1.0
    for panel in panels:
        parts.append(_panel(panel, x))
        x += max(panel.columns * panel.cell, 7.5 * len(panel.title)) + gap
    width = x - gap + 1
    height = max(panel.rows * panel.cell for panel in panels) + 28
    return (
        f'<svg role="img" aria-label="{html.escape(label, quote=True)}" '
        f'viewBox="0 0 {width:g} {height:g}" '
        f'style="width:100%;max-width:{width:g}px;height:auto" '
        'font-family="ui-monospace, monospace" font-size="11">'
        + "".join(parts)
        + "</svg>"
    )


def _panel(panel: Panel, x: float) -> str:
    size = panel.cell
    parts = [
        f'<text x="{x:g}" y="14" font-family="system-ui, sans-serif" font-size="13" '
        f'font-weight="600" fill="{TOKENS[panel.role]}">'
        f"{html.escape(panel.title)}</text>"
    ]
    cells = [(r, c) for r in range(panel.rows) for c in range(panel.columns)]
    if size < RASTER_BELOW and all(panel.fill(r, c) for r, c in cells):
        parts.append(_raster(panel, x))
    else:
        for r, c in cells:
            fill, text = panel.fill(r, c), panel.text(r, c)
            left, top = x + c * size, 24 + r * size
            paint = "none" if fill is None else "#{:02x}{:02x}{:02x}".format(*fill)
            parts.append(
                f'<rect x="{left:g}" y="{top:g}" width="{size:g}" height="{size:g}" '
                f'fill="{paint}" stroke="{TOKENS["line"]}"/>'
            )
            if text:
                parts.append(
                    f'<text x="{left + size / 2:g}" y="{top + size / 2 + 4:g}" '
                    f'text-anchor="middle" fill="{_ink(fill)}">'
                    f"{html.escape(text)}</text>"
                )
    for r, c, h, w, token in panel.frames:
        parts.append(
            f'<rect x="{x + c * size:g}" y="{24 + r * size:g}" width="{w * size:g}" '
            f'height="{h * size:g}" fill="none" stroke="{TOKENS[token]}" '
            'stroke-width="3"/>'
        )
    return "".join(parts)


def _raster(panel: Panel, x: float) -> str:
    """Return the cells as one small picture: hundreds of elements would be heavy."""
    lines = (
        b"".join(bytes(panel.fill(r, c) or NEUTRAL) for c in range(panel.columns))
        for r in range(panel.rows)
    )
    data = base64.b64encode(png(panel.columns, panel.rows, lines)).decode("ascii")
    width, height = panel.columns * panel.cell, panel.rows * panel.cell
    return (
        f'<image x="{x:g}" y="24" width="{width:g}" height="{height:g}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{data}"/>'
    )


def png(width: int, height: int, lines: Iterable[bytes]) -> bytes:
    """Return a PNG file of 8-bit RGB from one string of bytes per line.

    >>> png(1, 1, [bytes((255, 0, 0))])[1:4]
    b'PNG'
    """

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def _ink(fill: Colour | None) -> str:
    if fill is None:
        return TOKENS["ink"]
    r, g, b = fill
    return "#14181f" if 0.3 * r + 0.59 * g + 0.11 * b > 130 else "#ffffff"
