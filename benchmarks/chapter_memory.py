"""Claim: every page with code runs within 1.5 GB, so within Binder's 2 GB.

    python benchmarks/chapter_memory.py [PAGE ...]

Each page is run in a kernel of its own, as JupyterLab on Binder runs it, on one thread.
Printed are the kernel's peak of resident memory (VmHWM on Linux, which counts shared
libraries) and the seconds of processor time. The limit leaves half a gigabyte for the
server.

PyTorch's default build for Linux carries CUDA and is larger in memory than the build
for CPUs that Binder installs, so there the numbers are lower still.
"""

import argparse
import asyncio
import json
import os
import pathlib
import platform
import sys

from measured import note

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 1.5e9
sys.path.insert(0, str(ROOT / "tools"))

# The last cell of every page: what its own process has used.
REPORT = """
import json as _json, pathlib as _pathlib, resource as _resource, time as _time
_status = _pathlib.Path("/proc/self/status")
if _status.exists():
    _lines = dict(line.split(":", 1) for line in _status.read_text().splitlines())
    _peak = 1024 * int(_lines["VmHWM"].split()[0])
else:  # macOS counts in bytes
    _peak = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss
print(_json.dumps([_peak, _time.process_time()]))
"""


def measure(page: str) -> tuple[int, float]:
    """Run a page; return its kernel's peak in bytes and its processor's seconds."""
    import jupytext
    import nbformat
    from nbclient import NotebookClient

    path = ROOT / f"{page}.md"
    notebook = jupytext.read(path, fmt="md:myst")
    notebook.cells.append(nbformat.v4.new_code_cell(REPORT))
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=1800, resources=resources)
    done = asyncio.run(client.async_execute())
    peak, seconds = json.loads(done.cells[-1].outputs[0].text)
    return peak, seconds


def main() -> int:
    """Print a line a page; return 1 if one is over the limit."""
    import build_notebooks
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", nargs="*", help="e.g. book/lenet; all, when left out")
    pages = parser.parse_args().page or build_notebooks.pages()
    os.environ["OMP_NUM_THREADS"] = "1"
    print(f"Python {platform.python_version()}, torch {torch.__version__}")
    print(f"{'page':<44}{'peak':>8}{'processor':>13}")
    peaks = {}
    for page in pages:
        peaks[page], seconds = measure(page)
        print(f"{page:<44}{peaks[page] / 1e6:>5.0f} MB{seconds:>11.1f} s", flush=True)
    worst = max(peaks, key=peaks.__getitem__)
    share = peaks[worst] / LIMIT
    print(f"largest: {worst}, {share:.0%} of the {LIMIT / 1e9} GB that it may use")
    largest_last = sorted(peaks, key=peaks.__getitem__)
    note(
        "chapter_memory",
        "GB",
        {page.removeprefix("book/"): peaks[page] / 1e9 for page in largest_last},
        ratio=share,
        target=f"<= {LIMIT / 1e9} GB",
        detail="the ratio is the largest page's share of what it may use",
    )
    return int(share > 1)


if __name__ == "__main__":
    sys.exit(main())
