"""Small pictures for questions: matrices side by side."""

from typing import Any

from .. import picture
from ..quiz import plain

FILLS: dict[str, picture.Colour] = {
    "input": (0xDC, 0xE7, 0xF3),
    "kernel": (0xF7, 0xE1, 0xD6),
    "output": (0xDB, 0xEC, 0xE4),
}


def matrices(label: str, **named: Any) -> str:
    """Return named matrices as one picture; ``kernel`` and ``output`` tell their role.

    >>> matrices("one number", input=[[1]]).startswith('<svg role="img"')
    True
    """
    panels = []
    for name, values in named.items():
        role = next((role for role in FILLS if role in name), "input")
        panels.append(_panel(name.replace("_", " "), role, plain(values)))
    return picture.grids(label, panels)


def _panel(title: str, role: str, rows: list[list[Any]]) -> picture.Panel:
    return picture.Panel(
        title,
        len(rows),
        len(rows[0]),
        fill=lambda r, c: FILLS[role],
        text=lambda r, c: picture.number(float(rows[r][c])),
        role=role,
    )
