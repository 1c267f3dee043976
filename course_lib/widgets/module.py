"""One ES module and one style sheet for each explorer, joined from plain files."""

import functools
import re
from pathlib import Path

HERE = Path(__file__).parent

_IMPORT = re.compile(
    r'^(?:import|export)\s*\{([^}]*)\}\s*from\s*"\./([\w.-]+)";[ \t]*\n', re.M
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.M)
_TOP_LEVEL = re.compile(
    r"^(?:export (?:default )?)?(?:async )?(?:function\*?|const|let|class) (\w+)", re.M
)


def bundle(entry: str) -> str:
    """Return one ES module: the file named and all that it imports, in order.

    A widget's module reaches the page as text, where a relative import leads
    nowhere. The files stay plain modules that Node can import; only this subset is
    understood: ``import`` or ``export {a, b} from "./file.js";`` on top, ``export``
    before a declaration, ``export default`` in the entry file.

    Parameters
    ----------
    entry
        File name beside this one, such as ``"kernel_explorer.js"``.

    Raises
    ------
    ValueError
        If a file uses another form of import or export, or two files declare the
        same name at their top level.

    """
    texts: dict[str, str] = {}
    _collect(entry, texts)
    owner: dict[str, str] = {}
    parts = []
    for name, text in texts.items():
        for declared in _TOP_LEVEL.findall(text):
            if declared in owner:
                raise ValueError(
                    f"{name} and {owner[declared]} both declare {declared!r}; "
                    "modules that are joined need different top-level names"
                )
            owner[declared] = name
        body = _EXPORT.sub("", _IMPORT.sub("", text))
        allowed = "export default" if name == entry else "\0"
        for line in body.splitlines():
            if re.match(r"(import|export)\b", line) and not line.startswith(allowed):
                raise ValueError(
                    f"{name}: cannot join the line {line!r}; write "
                    'import {name} from "./file.js"; or export before a declaration'
                )
        parts.append(f"// {name}\n{body.strip()}\n")
    return "\n".join(parts)


def _collect(name: str, texts: dict[str, str]) -> None:
    """Add the file and, before it, the files that it imports."""
    text = (HERE / name).read_text(encoding="utf-8")
    for names, dependency in _IMPORT.findall(text):
        if " as " in names:
            raise ValueError(f"{name}: cannot join an import that renames: {names}")
        if dependency not in texts:
            _collect(dependency, texts)
    texts[name] = text


@functools.cache
def stylesheet(*names: str) -> str:
    """Return the shared style sheet, followed by those named."""
    files = [HERE / name for name in ("explorer.css", *names)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
