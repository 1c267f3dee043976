"""Execute a page again when anything that it imports has changed.

The notebook cache knows a page by its code cells alone: after an edit in ``course_lib``
it would go on printing yesterday's numbers. Here the cache gets a folder per *key*, the
hash of everything else that decides what a cell prints:

- ``course_lib``: Python, JavaScript, style sheets and the bundled sample,
- ``constraints.txt``: the versions that the book is built with,
- the Fashion-MNIST images that the loader finds: all of them, or only the sample.

A new key means an empty cache, and a changed setting, so that Sphinx reads every page
again. Of the folders of earlier keys the latest is kept, so that going back and forth
between two states is cheap.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
CACHES = ROOT / "_build" / ".jupyter_cache"
KEPT = 2


def code_files(root: Path = ROOT) -> list[Path]:
    """List the files of ``course_lib`` and the versions file, sorted."""
    library = [
        path
        for path in (root / "course_lib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return sorted([*library, root / "constraints.txt"])


def data_in_use() -> bytes:
    """Return the test images that pages will get; which set they are of tells all."""
    from course_lib.data import fashion_mnist

    return fashion_mnist("test").images.numpy().tobytes()


def cache_key(files: Iterable[Path], data: bytes = b"", root: Path = ROOT) -> str:
    """Hash paths (relative to ``root``) and contents; twelve hexadecimal digits."""
    digest = hashlib.sha256(data)
    for path in files:
        content = path.read_bytes()
        name = path.relative_to(root).as_posix()
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def prune(caches: Path, current: str, kept: int = KEPT) -> None:
    """Remove the cache folders of other keys, all but the ``kept - 1`` latest."""
    others = [path for path in caches.iterdir() if path.is_dir()]
    others = [path for path in others if path.name != current]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for stale in others[kept - 1 :]:
        shutil.rmtree(stale)


def choose_cache(app: Sphinx, config: Config) -> None:
    """Point the notebook cache at the folder of today's key."""
    key = cache_key(code_files(), data_in_use())
    folder = CACHES / key
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    prune(CACHES, key)
    config.nb_execution_cache_path = str(folder)
    logger.info("execution cache: %s", folder.relative_to(ROOT))


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", choose_cache, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
