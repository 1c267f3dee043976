"""Run a notebook in a machine's kernel: run_notebook.py KERNELS FOLDER IN OUT [any].

A program of its own, because Jupyter's client leaves sockets to the garbage collector,
which a test run that takes warnings for errors would blame on whatever test is next.
The notebook is written with its outputs and, in its metadata as ``peak``, the largest
resident memory of its kernel in bytes. With ``any``, a cell may fail.
"""

import pathlib
import re
import sys

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient


def main(kernels: str, folder: str, source: str, target: str, errors: str = "") -> None:
    """Run the notebook and write it."""
    specs = KernelSpecManager(kernel_dirs=[kernels], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name="machine", kernel_spec_manager=specs)
    notebook = nbformat.read(source, as_version=4)

    def look(**_: object) -> None:
        status = pathlib.Path(f"/proc/{manager.provisioner.pid}/status")
        if status.exists():
            (line,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
            notebook.metadata["peak"] = 1024 * int(line)

    NotebookClient(
        notebook, km=manager, timeout=900, allow_errors=errors == "any",
        on_cell_executed=look, resources={"metadata": {"path": folder}},
    ).execute()  # fmt: skip
    nbformat.write(notebook, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
