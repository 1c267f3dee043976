"""Claim: the book is built in 4 minutes from nothing, and in 10 s after an edit.

    python benchmarks/book_build.py [--cold 3] [--rebuilds 3] [--page book/lenet]

Both happen in a copy of the working tree, so that nothing of the tree's own build is
used or lost. Cold is ``tools/build_book.py`` where neither an executed page nor a page
of Sphinx is kept: every cell of every page runs. A rebuild is the same command after a
sentence was added to one page, by default the one whose cells take longest. The two
take turns: a cold build, then rebuilds on top of it.

Neither includes the installation, which ``make book`` does first and once.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from measured import note

ROOT = Path(__file__).resolve().parent.parent
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "_build", "node_modules", "__pycache__", ".*_cache", ".coverage*"
)


def copy_tree(folder: Path) -> Path:
    """Copy the working tree, but for what is built or installed."""
    copy = folder / "course"
    shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND)
    (copy / "node_modules").symlink_to(ROOT / "node_modules")
    return copy


def build(copy: Path) -> float:
    """Build the book of a copy; return the seconds it took."""
    # The copy's own course_lib, wherever the installed one lies.
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    started = perf_counter()
    done = subprocess.run(
        [sys.executable, "tools/build_book.py"],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = perf_counter() - started
    if done.returncode:
        raise SystemExit(f"the book did not build:\n{done.stderr[-3000:]}")
    return seconds


def edit(copy: Path, page: str) -> None:
    """Add a sentence at the end of a page."""
    with (copy / f"{page}.md").open("a", encoding="utf-8") as file:
        file.write("\nOne more sentence.\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cold", type=int, default=3, help="how many cold builds")
    parser.add_argument("--rebuilds", type=int, default=3, help="after each of them")
    parser.add_argument("--page", default="book/lenet", help="the page that is edited")
    arguments = parser.parse_args()
    if not (ROOT / "node_modules").is_dir():
        raise SystemExit("this benchmark needs node_modules: run `make book` once")
    cold, rebuilds = [], []
    for _ in range(arguments.cold):
        with tempfile.TemporaryDirectory() as folder:
            copy = copy_tree(Path(folder))
            cold.append(build(copy))
            print(f"cold build: {cold[-1]:.0f} s", flush=True)
            for _ in range(arguments.rebuilds):
                edit(copy, arguments.page)
                rebuilds.append(build(copy))
                print(f"rebuild: {rebuilds[-1]:.1f} s", flush=True)
    whole, again = statistics.median(cold), statistics.median(rebuilds)
    ratio = whole / again
    detail = (
        f"cold builds: {len(cold)}; rebuilds: {len(rebuilds)}, each after an edit of "
        f"{arguments.page}"
    )
    names = "after an edit of one page", "from nothing, all pages executed"
    note(
        "book_build/cold", "s", dict(zip(names, (again, whole), strict=True)),
        ratio=ratio, target="<= 240 s", detail=detail,
    )  # fmt: skip
    note(
        "book_build/rebuild", "s", dict(zip(names[::-1], (whole, again), strict=True)),
        ratio=ratio, target="<= 10 s", detail=detail,
    )  # fmt: skip


if __name__ == "__main__":
    main()
