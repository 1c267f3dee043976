"""Build the book into _build/html: warnings are errors, and stay errors.

`jupyter-book build .` does the same in an activated environment. This wrapper adds
one thing. Sphinx remembers the pages it has read even when a build failed, and does
not read them again, so that a page that warned once would pass the second time.
After a failure the remembered pages are therefore forgotten; executed notebooks stay
in the execution cache.
"""

import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
REMEMBERED = ROOT / "_build" / ".doctrees" / "environment.pickle"


def main() -> int:
    """Run Jupyter Book and return its exit status."""
    started = time.perf_counter()
    # not `-m jupyter_book.cli.main`, which does nothing and says so to nobody
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", "."]
    status = subprocess.run(
        [*command, "--quiet", "--warningiserror", "--keep-going"], cwd=ROOT
    ).returncode
    if status:
        REMEMBERED.unlink(missing_ok=True)
        print("The book did not build: see the messages above.", file=sys.stderr)
        return status
    seconds = time.perf_counter() - started
    print(f"_build/html/index.html is up to date ({seconds:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
