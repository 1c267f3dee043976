"""A submitted notebook becomes the text of its answers; nothing else of it survives.

Reading is the first thing that touches a student's file, so it trusts nothing: a
regular file, bounded size and depth, strict JSON, nbformat 4. Whatever is wrong is
:class:`Unreadable`, with the reason, for that student alone.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.wire import clean_text, nested_deeper

MAX_BYTES = 10 << 20
MAX_PARTS = 400_000  # commas and opening brackets: each can stand for a whole object
MAX_CELLS = 1_000
MAX_DEPTH = 50
MAX_SOURCE = 80_000  # characters of one answer
MAX_EXTRAS = 100  # cells of the student's own that are looked at
MAX_MAGIC, MAX_MAGICS = 20_000, 25  # characters and lines that IPython may transform
MAX_KEPT = 10_000  # characters of a text whose tree is kept, sixty times as large


class Unreadable(Exception):
    """A submission that is no notebook of ours, and why."""


@dataclass
class Submission:
    """What is left of a submitted notebook."""

    answers: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    extras: list[ExtraCell] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    digest: str = ""

    def names_in_extras(self) -> set[str]:
        """Names that the student's own cells define; they are not run."""
        texts = [e.source for e in self.extras if e.type == "code"][:MAX_EXTRAS]
        return {n for t in texts if len(t) <= MAX_MAGIC for n in defined(t)}


@dataclass(frozen=True)
class ExtraCell:
    """A cell that the student added, kept for human eyes and never run for a score."""

    type: str
    source: str
    after: str  # grade id of the nearest cell of the release above it


# --- pre-flight -----------------------------------------------------------------------


def read_bytes(path: Path, below: Path | None = None) -> bytes:
    """Read a submitted file: a regular one of bounded size, not reached by a link.

    The folders between it and ``below`` must be no links either: they could lead to the
    model solution, which the grader may read.
    """
    for folder in path.parents if below else ():
        if folder == below:
            break
        if folder.is_symlink():
            raise Unreadable("its folder is a link; submit the notebook itself")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        kind = os.lstat(path).st_mode
        if stat.S_ISLNK(kind):
            raise Unreadable("the file is a link; submit the notebook itself")
        if not stat.S_ISREG(kind):
            raise Unreadable("it is not a regular file")
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Unreadable(f"the file cannot be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("it is not a regular file")
        if status.st_size > MAX_BYTES:
            raise Unreadable(
                f"the file has {status.st_size / 2**20:.0f} MB; {MAX_BYTES >> 20} MB "
                "is the limit (clear the outputs and remove attachments)"
            )
        return file.read(MAX_BYTES + 1)[:MAX_BYTES]


def parse_notebook(data: bytes) -> dict[str, Any]:
    """Parse a notebook of format 4 strictly; raise :class:`Unreadable` with the reason.

    >>> parse_notebook(b'{"nbformat": 3}')
    Traceback (most recent call last):
    autograder.submission.Unreadable: it is not a notebook of format 4 (nbformat is 3)
    """
    if sum(data.count(sign) for sign in b",[{") > MAX_PARTS:
        raise Unreadable("it has too many parts (clear the outputs)")
    try:
        notebook = json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise Unreadable("the file is not text in UTF-8") from None
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    except ValueError as error:
        reason = clean_text(error, 100)
        raise Unreadable(f"it is not a notebook (invalid JSON: {reason})") from None
    if not isinstance(notebook, dict):
        raise Unreadable("it is not a notebook (no JSON object)")
    if type(notebook.get("nbformat")) is not int or notebook["nbformat"] != 4:
        found = notebook.get("nbformat")
        shown = "no number" if isinstance(found, dict | list) else clean_text(found, 20)
        raise Unreadable(f"it is not a notebook of format 4 (nbformat is {shown})")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(c, dict) for c in cells):
        raise Unreadable("it is not a notebook (its cells are no list of cells)")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"it has {len(cells)} cells; {MAX_CELLS} is the limit")
    if nested_deeper(notebook, MAX_DEPTH):
        raise Unreadable("its JSON is nested too deeply")
    return notebook


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# --- rebuilding -----------------------------------------------------------------------


def read(path: Path, assignment: Assignment, below: Path | None = None) -> Submission:
    """Read a submitted notebook and keep what the assignment asks for."""
    data = read_bytes(path, below)
    submission = rebuild(parse_notebook(data), assignment)
    submission.digest = hashlib.sha256(data).hexdigest()
    return submission


def rebuild(notebook: dict[str, Any], assignment: Assignment) -> Submission:
    """Take the text of the answers by their grade ids; keep other cells apart."""
    known = {c.id: c for c in assignment.cells}
    kept = Submission()
    parts: dict[str, list[str]] = {}
    last = ""
    for cell in notebook["cells"]:
        type_, source, name = _cell(cell)
        if name not in known:
            if source.strip():
                kept.extras.append(ExtraCell(type_, source, last))
            continue
        last = name
        role = known[name].role
        if role in ("answer", "written") and type_ == known[name].type:
            parts.setdefault(name, []).append(source)
        elif role == "answer":
            kept.warnings.append(f"The answer cell {name} is no longer a code cell.")
    for cell in assignment.of("answer", "written"):
        _keep(kept, cell.id, cell.role, parts.get(cell.id, []))
    return kept


def _cell(cell: dict[str, Any]) -> tuple[str, str, str]:
    """Return type, text and grade id of a cell, whatever is really there."""
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        source = ""
    type_ = cell.get("cell_type")
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return (
        type_ if type_ in ("code", "markdown") else "raw",
        _plain_text(source),
        name if isinstance(name, str) else "",
    )


def _plain_text(source: str) -> str:
    """One kind of line end, valid Unicode, nothing invisible but tab and line end."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _keep(kept: Submission, name: str, role: str, parts: list[str]) -> None:
    text = "\n\n".join(part for part in parts if part.strip())
    if not parts:
        kept.warnings.append(f"The notebook has no cell {name} any more.")
    if len(parts) > 1:
        kept.warnings.append(
            f"The cell {name} stands {len(parts)} times; the parts were joined."
        )
    if len(text) > MAX_SOURCE:
        kept.warnings.append(f"The cell {name} is too long; its end was cut off.")
        text = text[:MAX_SOURCE]
    (kept.answers if role == "answer" else kept.written)[name] = text


# --- text of code ---------------------------------------------------------------------

# Blanks are named, not \s: that also matches line ends, and then thousands of empty
# lines are searched again from each of them.
_TIMED = re.compile(
    r"^([ \t]*)%{1,2}(?:time|timeit|capture|prun)\b[^\n]*$", re.MULTILINE
)
_TIMED_LINE = re.compile(
    r"^([ \t]*)%(?:time|timeit|prun)[ \t]+(?=[A-Za-z_(])", re.MULTILINE
)
_MAGIC = re.compile(r"^[ \t]*[%!?,;/]|\?[ \t]*$|=[ \t]*[%!]", re.MULTILINE)


def plain_python(source: str) -> str:
    r"""Turn IPython's magics into plain Python, as text; lines keep their numbers.

    Timing magics leave the code that they time; every other one becomes a call that
    the function host ignores.

    >>> plain_python("%matplotlib inline")
    "get_ipython().run_line_magic('matplotlib', 'inline')"
    >>> plain_python("%%time\nx = 1")
    '#\nx = 1'
    """
    if parses(source):
        return source
    bare = _TIMED.sub(r"\1#", _TIMED_LINE.sub(r"\1", source))
    if parses(bare):
        return bare
    # IPython reads the whole text again for each magic.
    if len(bare) > MAX_MAGIC or len(_MAGIC.findall(bare)) > MAX_MAGICS:
        return _refused(source)
    import warnings

    from IPython.core.inputtransformer2 import TransformerManager

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a student's text, nobody's to read
            made = str(TransformerManager().transform_cell(bare)).rstrip("\n")
        return _refused(made)
    except (SyntaxError, ValueError, RecursionError):
        return _refused(source)


def _refused(source: str) -> str:
    """Return a text that cannot run where we cannot read it: nothing is hidden so."""
    try:
        _parse(source)
    except (RecursionError, MemoryError):
        return 'raise RecursionError("this cell is nested too deeply")'
    except (SyntaxError, ValueError):
        pass
    return source


def parses(source: str) -> bool:
    """Tell whether a text is Python."""
    return tree(source) is not None


def tree(source: str) -> ast.Module | None:
    """Return the syntax tree of a text, or None where there is none; to be read only.

    That of an answer is looked at several times, one after another.
    """
    return _kept_tree(source) if len(source) < MAX_KEPT else _tree(source)


def _tree(source: str) -> ast.Module | None:
    try:
        return _parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


_kept_tree = lru_cache(maxsize=16)(_tree)


def _parse(source: str) -> ast.Module:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def defined(source: str) -> set[str]:
    r"""Return the names that a cell defines at its top level.

    >>> sorted(defined("import torch.nn as nn\ndef f(): x = 1\ny = 2"))
    ['f', 'nn', 'y']
    """
    names: set[str] = set()
    parsed = tree(plain_python(source))
    for node in parsed.body if parsed else ():
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names


def cells_to_run(
    assignment: Assignment, answers: dict[str, str]
) -> list[dict[str, str]]:
    """Return setup cells (of the release) and answers, in order, as plain Python."""
    return [
        {
            "id": c.id,
            "source": plain_python(c.source if c.role == "setup" else answers[c.id]),
        }
        for c in assignment.of("setup", "answer")
    ]
