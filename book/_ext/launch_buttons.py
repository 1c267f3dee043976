"""Launch buttons whose links lead somewhere, and a twin of every page that has code.

The theme makes the buttons from `repository` and `launch_buttons` in ``_config.yml``.
Two of its links lead nowhere: Colab cannot open a MyST page, and nobody's hub is known
when the book is built. Here the *Colab* button opens the page's twin instead (see
`twins`), on the branch that the publishing workflow fills; the *JupyterHub* button
opens the twin on the hub named by ``jupyterhub_url``, or, when none is named, a page of
this site that asks readers for the address of theirs. *Binder* keeps the page itself.

The twin is written into the site too, below ``notebooks``, and can be downloaded there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging
from twins import (
    Publication,
    Translator,
    Untranslatable,
    cells_of_page,
    code_cell,
    link_of,
    markdown_cell,
    notebook,
    set_up_cell,
)

logger = logging.getLogger(__name__)

TWINS = "notebooks"  # the folder of the site that holds them
HUB = "hub"  # the page that asks for the reader's hub


def publication(config: Config) -> Publication:
    """Read from the settings where the course is published."""
    theme = config.html_theme_options
    return Publication(
        theme["repository_url"], theme["repository_branch"], config.notebooks_branch
    )


def has_code(app: Sphinx, page: str) -> bool:
    """Tell whether a page is a notebook."""
    return "kernelspec" in app.env.metadata.get(page, {})


# --- twins ----------------------------------------------------------------------------


def printed_number(app: Sphinx, page: str) -> Callable[[str, list[str]], str]:
    """Return the function that gives the elements of a page their printed numbers."""

    def number(kind: str, ids: list[str]) -> str:
        if kind == "section":
            known = app.env.toc_secnumbers.get(page, {})
            at = f"#{ids[0]}" if ids and f"#{ids[0]}" in known else ""
            parts = known.get(at) if at or is_top(app, page, ids) else None
            return ".".join(map(str, parts)) if parts else ""
        known = app.env.toc_fignumbers.get(page, {}).get(kind, {})
        parts = next((known[one] for one in ids if one in known), None)
        text = ".".join(map(str, parts)) if parts else ""
        return app.config.numfig_format.get(kind, "%s") % text if text else ""

    return number


def is_top(app: Sphinx, page: str, ids: list[str]) -> bool:
    """Tell whether these are the names of a page's own section."""
    contents = app.env.tocs[page]
    first = next(contents.findall(nodes.reference), None)
    return first is not None and first["anchorname"] in ("", *(f"#{i}" for i in ids))


def page_code(app: Sphinx, page: str) -> Callable[[int], dict]:
    """Return the function that gives the code cells of a page by their position."""
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]

    def code(index: int) -> dict:
        source = "".join(cells[index]["source"])
        tags = cells[index]["metadata"].get("tags", [])
        return code_cell(source, hidden=bool({"hide-input", "remove-input"} & {*tags}))

    return code


def twin(app: Sphinx, page: str, doctree: nodes.document) -> str:
    """Return the notebook file that is the page's twin."""
    published = publication(app.config)
    translator = Translator(link_of(published, page), printed_number(app, page))
    cells = cells_of_page(translator, doctree, page_code(app, page))
    address = f"{published.site}{page}.html"
    origin = f"*This notebook is [a page of the course]({address}), ready to be run.*"
    title, *rest = cells
    heading, _, opening = title["source"].partition("\n\n")
    return notebook(
        [
            set_up_cell(published),
            markdown_cell("\n\n".join(filter(None, [heading, origin, opening]))),
            *rest,
        ]
    )


def write_twin(app: Sphinx, page: str, doctree: nodes.document) -> None:
    """Write the twin into the site."""
    path = Path(app.outdir) / TWINS / publication(app.config).twin(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_text(twin(app, page, doctree), encoding="utf-8")
    except Untranslatable as problem:
        path.unlink(missing_ok=True)
        logger.warning(
            f"this page has no twin for Colab: twins.py cannot write {problem}",
            location=page,
        )


# --- buttons --------------------------------------------------------------------------


def hub_link(app: Sphinx, twin: str, pathto: Callable[..., str]) -> str:
    """Return where the JupyterHub button leads."""
    hub = app.config.html_theme_options["launch_buttons"].get("jupyterhub_url", "")
    if hub:
        query = urlencode(publication(app.config).pull(twin), safe="/")
        return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{query}"
    return f"{pathto(HUB)}?notebook={quote(twin)}"


def complete_buttons(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Mend the theme's buttons on this page, and write its twin."""
    groups = {
        group.get("label"): group["buttons"]
        for group in context.get("header_buttons", [])
        if group["type"] == "group"
    }
    launch = groups.get("launch-buttons")
    if launch is None or not isinstance(doctree, nodes.document):
        return
    write_twin(app, page, doctree)
    published, pathto = publication(app.config), context["pathto"]
    path = published.twin(page)
    launch[:] = [button for button in launch if button["text"] != "JupyterHub"]
    for button in launch:
        if button["text"] == "Colab":
            button["url"] = published.colab(path)
    launch.append(
        {
            "type": "link",
            "text": "JupyterHub",
            "tooltip": "Open on a JupyterHub",
            "icon": "_static/images/logo_jupyterhub.svg",
            "url": hub_link(app, path, pathto),
        }
    )
    download = groups["download-buttons"]
    for button in download:
        if button.get("label") == "download-notebook-button":
            button["text"] = "Notebook with results"
            button["tooltip"] = "The notebook as it was run for this page"
    download.insert(
        1,
        {
            "type": "link",
            "url": f"{pathto(TWINS, 1)}/{path}",
            "text": "Notebook to run",
            "tooltip": "A plain notebook for any Jupyter; it installs what it needs",
            "icon": "fas fa-code",
            "label": "download-twin-button",
        },
    )


def hub_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page that asks for the address of the reader's hub."""
    if app.builder.format == "html":
        pull = publication(app.config).pull("TWIN")
        yield HUB, {"title": "Open on your JupyterHub", "pull": pull}, "hub.html"


def twins_version() -> str:
    """Hash what makes a twin of a page: when it changes, all pages are written anew."""
    digest = hashlib.sha256()
    for name in ("launch_buttons.py", "set_up_cell.py", "twins.py"):
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:12]


def setup(app: Sphinx) -> dict[str, object]:
    app.add_config_value("twins_version", twins_version(), "html", str)
    app.add_config_value("notebooks_branch", "notebooks", "html", str)
    app.connect("html-page-context", complete_buttons, priority=900)
    app.connect("html-collect-pages", hub_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
