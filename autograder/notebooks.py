"""The notebook that people look at: rebuilt from the release, run, and made harmless.

Outputs come from the student's process. Only kinds that cannot act are kept: text, PNG
images whose bytes are PNG, and drawings, which are shown as images, where a browser
runs no script and loads nothing. Markdown and HTML of a student's are escaped.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import time
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from autograder.assignment import HIDDEN, Assignment
from autograder.sandbox import Sandbox
from autograder.submission import MAX_PARTS, Submission
from autograder.wire import WireError, WireTimeout, clean_text, parse, unpack

CELL_SECONDS = 30.0
NOTEBOOK_SECONDS = 90.0
MAX_IMAGE = 2 << 20
MAX_PIXELS = 50_000_000
MAX_OUTPUTS = 50
MAX_REPLY = 5 << 20  # bytes of one cell's outputs, as they come


def rebuilt(release: NotebookNode, task: Assignment, kept: Submission) -> NotebookNode:
    """Return the released notebook with the submitted answers in it.

    The student's own cells follow at the end, as text: they are not run.
    """
    notebook = nbformat.from_dict(json.loads(json.dumps(release)))
    texts = {**kept.answers, **kept.written}
    written = {c.id for c in task.of("written")}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = visible(cell.source)
        if name in texts:
            source = texts[name]
            if name in written and cell.cell_type == "markdown":
                source = harmless_markdown(source)
            cell.source = source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.cells += extra_cells(kept)
    return notebook


def visible(source: str) -> str:
    """Return a test cell without the region that only plain nbgrader runs."""
    return source.replace(HIDDEN, "").rstrip() if HIDDEN in source else source


def extra_cells(kept: Submission) -> list[NotebookNode]:
    """Return the student's own cells as unexecuted text, under a heading."""
    if not kept.extras:
        return []
    heading = "---\n**Cells that the student added.** They are not run and not graded."
    cells = [new_markdown_cell(heading, id="added")]
    for number, extra in enumerate(kept.extras[:100], 1):
        fence = "`" * (
            3 + max((len(m) for m in re.findall("`+", extra.source)), default=0)
        )
        text = f"{fence}text\n{extra.source[:20_000]}\n{fence}"
        cells.append(new_markdown_cell(text, id=f"added-{number}"))
    return cells


def harmless_markdown(source: str) -> str:
    """Escape HTML, images and links of a student's Markdown; mathematics stays.

    What could begin an image, a link or a link's definition is written as an entity,
    which Markdown takes for text; only links that spell out ``http`` remain.

    >>> harmless_markdown("a < b <script>x</script> [me](javascript:x) $a<b$")
    'a &lt; b &lt;script>x&lt;/script> [me]&#40;javascript:x) $a&lt;b$'
    """
    source = source.replace("<", "&lt;").replace("![", "&#33;[")
    source = re.sub(r"\]\((?!https?://)", "]&#40;", source)
    return source.replace("]:", "]&#58;")


# --- running --------------------------------------------------------------------------


def execute(notebook: NotebookNode, sandbox: Sandbox) -> None:
    """Run the code cells in a room of their own and keep what may be shown."""
    room = sandbox.room()
    end = time.monotonic() + NOTEBOOK_SECONDS
    try:
        for number, cell in enumerate(notebook.cells, 1):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            request = {"do": "run", "id": number, "source": cell.source}
            deadline = min(end, time.monotonic() + CELL_SECONDS)
            room.channel.send(request, deadline=deadline)
            reply, data = room.channel.receive(deadline)
            if len(data) > MAX_REPLY:
                raise WireError("the outputs are too large")
            raw = bytes(unpack(reply.get("value"), data).numpy().tobytes())
            if sum(raw.count(sign) for sign in b",[{") > MAX_PARTS:
                raise WireError("the outputs have too many parts")
            ran = parse(raw)
            cell.outputs = harmless_outputs(ran.get("outputs"))
            count = ran.get("execution_count")
            cell.execution_count = count if type(count) is int else None
    except WireTimeout:
        _note(cell, "This cell took too long; the notebook was stopped here.")
    except (WireError, AttributeError, TypeError, ValueError):
        _note(cell, "The notebook's process ended here.")
    finally:
        room.close()


def _note(cell: NotebookNode, text: str) -> None:
    cell.outputs = [new_output("stream", name="stdout", text=text + "\n")]


# --- making outputs harmless ----------------------------------------------------------


def harmless_outputs(outputs: Any) -> list[NotebookNode]:
    """Return what may be shown of outputs that a student's process has sent."""
    shown = []
    for output in outputs[:MAX_OUTPUTS] if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            made = _harmless(output)
            if made is not None:
                shown.append(made)
    return shown


def _harmless(output: dict[str, Any]) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output(
            "stream", name=name, text=clean_text(output.get("text"), 20_000)
        )
    if kind == "error":
        lines = output.get("traceback")
        return new_output(
            "error",
            ename=clean_text(output.get("ename"), 100),
            evalue=clean_text(output.get("evalue"), 2_000),
            traceback=[_plain(t) for t in lines[:60]]
            if isinstance(lines, list)
            else [],
        )
    if kind in ("display_data", "execute_result"):
        data = _harmless_data(output.get("data"))
        return new_output("display_data", data=data) if data else None
    return None


def _plain(text: Any) -> str:
    return clean_text(re.sub(r"\x1b\[[0-9;]*m", "", str(text)[:8_000]), 4_000)


def _harmless_data(data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    shown: dict[str, str] = {}
    if isinstance(data.get("text/plain"), str):
        shown["text/plain"] = clean_text(data["text/plain"], 20_000)
    if png := _png(data.get("image/png")):
        shown["image/png"] = png
    drawing = data.get("image/svg+xml") or data.get("text/html")
    if svg := _svg(drawing):
        label = html.escape(shown.get("text/plain", "drawing")[:200], quote=True)
        shown["text/html"] = (
            f'<img alt="{label}" src="data:image/svg+xml;base64,{svg}">'
        )
    return shown


def _png(text: Any) -> str:
    if not isinstance(text, str) or len(text) > MAX_IMAGE:
        return ""
    try:
        raw = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return ""
    if raw[:8] != b"\x89PNG\r\n\x1a\n" or raw[12:16] != b"IHDR":
        return ""
    width, height = (int.from_bytes(raw[i : i + 4], "big") for i in (16, 20))
    return base64.b64encode(raw).decode() if width * height <= MAX_PIXELS else ""


def _svg(text: Any) -> str:
    """Return an SVG drawing in base64: as an image it can neither run nor load."""
    if not isinstance(text, str) or len(text) > MAX_IMAGE:
        return ""
    first, last = text.find("<svg"), text.rfind("</svg>")
    if first < 0 or last < first:
        return ""
    svg = text[first : last + len("</svg>")]
    if "xmlns=" not in svg[:400]:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return base64.b64encode(svg.encode("utf-8", "replace")).decode()
