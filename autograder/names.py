"""Which library names a piece of code uses, read from its text alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from autograder.submission import plain_python, tree


def named(
    wanted: Sequence[str], answers: Sequence[str], setup: Sequence[str] = ()
) -> list[tuple[str, int]]:
    r"""Return which of the wanted names the answers use, and in which line.

    ``"torch.nn.functional.conv2d"`` is found behind every alias; ``"*.conv2d"`` is any
    attribute, import or ``getattr`` of that name. A name stands for all below it:
    ``"course_lib"`` finds ``course_lib.corr2d``.

    >>> named(["torch.conv2d"], ["import torch as t\nt.conv2d(X, K)"])
    [('torch.conv2d', 2)]
    >>> named(["*.conv2d"], ["f = getattr(F, 'conv2d')"])
    [('F.conv2d', 1)]
    """
    aliases: dict[str, str] = {}
    for text in (*setup, *answers):
        parsed = tree(plain_python(text))
        if parsed:
            aliases.update(_aliases(parsed))
    found = []
    for text in answers:
        parsed = tree(plain_python(text))
        for name, line in _used(parsed, aliases) if parsed else ():
            if any(_matches(name, w) for w in wanted):
                found.append((name, line))
    return sorted(set(found), key=lambda item: item[1])


def _aliases(parsed: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            for a in node.names:
                if a.asname:
                    yield a.asname, a.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for a in node.names:
                yield a.asname or a.name, f"{node.module}.{a.name}"
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, name = node.targets[0], _dotted(node.value)
            if isinstance(target, ast.Name) and name and "." in name:
                yield target.id, name


def _used(parsed: ast.Module, aliases: dict[str, str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.ImportFrom) and node.module:
            for a in node.names:
                yield f"{node.module}.{a.name}", node.lineno
        elif isinstance(node, ast.Attribute | ast.Name | ast.Call):
            name = _dotted(node)
            if name:
                yield _resolved(name, aliases), node.lineno


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` for attributes, names and ``getattr`` with a literal."""
    parts: list[str] = []
    while len(parts) < 20:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif name := _literal_getattr(node):
            parts.append(name)
            node = node.args[0]  # type: ignore[attr-defined]
        else:
            break
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif parts:
        parts.append("?")
    return ".".join(reversed(parts))


def _literal_getattr(node: ast.expr) -> str:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and len(node.args) >= 2
        and isinstance(node.args[1], ast.Constant)
        and isinstance(node.args[1].value, str)
    ):
        return node.args[1].value
    return ""


def _resolved(name: str, aliases: dict[str, str]) -> str:
    for _ in range(5):  # an alias of an alias
        head, dot, rest = name.partition(".")
        if head not in aliases or aliases[head].partition(".")[0] == head:
            if head in aliases and aliases[head] != head:
                return aliases[head] + dot + rest
            return name
        name = aliases[head] + dot + rest
    return name


def _matches(name: str, wanted: str) -> bool:
    if wanted.startswith("*."):
        return name.rpartition(".")[2] == wanted[2:]
    return name == wanted or name.startswith(f"{wanted}.")
