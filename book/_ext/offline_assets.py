"""Serve every browser file from the site itself: the book needs no network.

Third-party files are installed by npm (``package-lock.json`` pins them by hash) and
never committed. Before Sphinx checks its settings, the few that the pages need are
copied to ``_build/site_assets/vendor``, which ``html_extra_path`` puts at the root of
the site. They must not lie under ``_static``: Jupyter Book loads every script that it
finds there on every page.

The front end of the explorers, anywidget, comes from the installed Python package
instead: it has to be the version that wrote the widgets' state into the page.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
OURS = ROOT / "book" / "_assets"
TARGET = ROOT / "_build" / "site_assets" / "vendor"

HTML_MANAGER = "@jupyter-widgets/html-manager"
FONTS = {  # package -> the styles that the style sheet names
    "inter": ["wght-normal"],
    "source-serif-4": ["wght-normal", "wght-italic"],
    "jetbrains-mono": ["wght-normal"],
}
MATHJAX = [
    "startup.js",
    "core.js",
    "input/tex.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
]

# embed-amd.js is six AMD modules, one after the other. Two serve front ends written for
# ipywidgets 7; ours are not, and the page saves a quarter of a megabyte (compressed).
IPYWIDGETS_7 = re.compile(
    r'/\*![^*]*\*/\s*define\("@jupyter-widgets/(?:base|controls)7",.*?'
    r"//# sourceMappingURL=(?:base|controls)7\.js\.map;\s*",
    re.DOTALL,
)


def without_ipywidgets_7(bundle: str) -> str:
    """Cut the two modules of ipywidgets 7 out of html-manager's bundle."""
    slim, cut = IPYWIDGETS_7.subn("", bundle)
    if cut != 2:
        raise ExtensionError(
            f"html-manager's embed-amd.js has {cut} modules of ipywidgets 7 where "
            "offline_assets.py expects 2: was the package updated?"
        )
    return slim


def plan() -> Iterator[tuple[Path, str]]:
    """Yield (source, path below ``vendor``) for every file that the site serves."""
    yield MODULES / "requirejs" / "require.js", "require.js"
    widgets = MODULES / HTML_MANAGER / "dist"
    yield widgets / "embed-amd.js", "embed-amd.js"
    yield widgets / "embed.js.LICENSE.txt", "embed-amd.LICENSE.txt"
    for font in sorted(widgets.glob("*.woff2")):  # asked for in both places
        yield font, f"@jupyter-widgets/{font.name}"
        yield font, f"{HTML_MANAGER}/dist/{font.name}"
    yield from _mathjax()
    yield from _fonts()
    for own in sorted(OURS.glob("*.js")):
        yield own, own.name
    yield _anywidget(), "anywidget.js"


def _mathjax() -> Iterator[tuple[Path, str]]:
    package = MODULES / "mathjax"
    yield package / "LICENSE", "mathjax/LICENSE"
    for name in MATHJAX:
        yield package / "es5" / name, f"mathjax/{name}"
    for folder in ("input/tex/extensions", "output/chtml/fonts/woff-v2"):
        for file in sorted((package / "es5" / folder).iterdir()):
            yield file, f"mathjax/{folder}/{file.name}"


def _fonts() -> Iterator[tuple[Path, str]]:
    for name, styles in FONTS.items():
        package = MODULES / "@fontsource-variable" / name
        yield package / "LICENSE", f"fonts/{name}.LICENSE.txt"
        for style in styles:
            file = f"{name}-latin-{style}.woff2"
            yield package / "files" / file, f"fonts/{file}"


def _anywidget() -> Path:
    spec = importlib.util.find_spec("anywidget")
    if spec is None or spec.origin is None:
        raise ExtensionError(
            "anywidget is not installed; the explorers need it. Run `make book`, or "
            "`pip install -c constraints.txt -e '.[book]'`."
        )
    return Path(spec.origin).parent / "nbextension" / "index.js"


def copy_assets(app: Sphinx, config: Config) -> None:
    """Fill ``_build/site_assets`` before Sphinx looks at ``html_extra_path``."""
    if not MODULES.is_dir():
        raise ExtensionError(
            "node_modules is missing, so the site's browser files cannot be copied. "
            "Run `npm ci --ignore-scripts --no-audit --no-fund` at the top of the "
            "repository, or `make book`, which does it."
        )
    shutil.rmtree(TARGET, ignore_errors=True)
    for source, name in plan():
        if not source.is_file():
            raise ExtensionError(
                f"{source.relative_to(ROOT)} is missing: node_modules does not match "
                "package-lock.json. Run `npm ci --ignore-scripts --no-audit --no-fund`."
            )
        target = TARGET / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name == "embed-amd.js":
            bundle = source.read_text(encoding="utf-8")
            target.write_text(without_ipywidgets_7(bundle), encoding="utf-8")
        else:
            shutil.copyfile(source, target)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", copy_assets, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
