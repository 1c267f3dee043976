"""What is published on the branch of twins, and machines that have only a twin."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from pathlib import Path

import nbformat
import pytest

from ..environments import ROOT, environment_with

sys.path.insert(0, str(ROOT / "tools"))

SCRIPTS = "Scripts" if os.name == "nt" else "bin"


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Path:
    """The tree that the workflow publishes, made anew from the built book."""
    folder = tmp_path_factory.mktemp("published") / "notebooks"
    subprocess.run(
        [sys.executable, ROOT / "tools" / "build_notebooks.py", folder],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--wheel-dir", folder, ROOT],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        text = f"needs hatchling from a package registry\n{done.stderr}"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    (built,) = folder.iterdir()
    return built


class Machine:
    """A Python that has everything but this course, and a folder that it works in.

    It is an empty virtual environment of its own: neither an editable install nor what
    somebody left in the interpreter below is seen. What is installed in the environment
    of the tests comes from the search path, *after* the layers; what pip installs here
    goes into a folder of its own, before them all.
    """

    def __init__(self, folder: Path, *layers: Path, hide: Iterable[str] = ()) -> None:
        self.work, self.installed = folder / "work", folder / "installed"
        for made in (self.work, self.installed, folder / "home"):
            made.mkdir(parents=True)
        site = Path(sysconfig.get_path("purelib"))
        if hide:
            site = self._without(site, folder / "site", hide)
        self.environment = {
            **environment_with(self.installed, *layers, site),
            "PIP_TARGET": str(self.installed),
            "IPYTHONDIR": str(folder / "home" / "ipython"),
            "MPLCONFIGDIR": str(folder / "home" / "matplotlib"),
            "JUPYTER_CONFIG_DIR": str(folder / "home" / "jupyter"),
        }
        venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
        self.python = str(folder / "venv" / SCRIPTS / Path(sys.executable).name)
        kernel = folder / "kernels" / "machine"
        kernel.mkdir(parents=True)
        spec = {
            "argv": [
                self.python,
                *"-m ipykernel_launcher -f {connection_file}".split(),
            ],
            "display_name": "Machine",
            "language": "python",
            "env": self.environment,
        }
        (kernel / "kernel.json").write_text(json.dumps(spec))
        self.kernels = kernel.parent

    @staticmethod
    def _without(site: Path, copy: Path, hide: Iterable[str]) -> Path:
        """Make a folder of links to all that is installed but what is hidden."""
        copy.mkdir()
        for entry in site.iterdir():
            if not entry.name.startswith(tuple(hide)):
                (copy / entry.name).symlink_to(entry)
        return copy

    def says(self, code: str) -> str:
        """Run code in the folder and return what it printed."""
        return subprocess.run(
            [self.python, "-c", code], cwd=self.work, env=self.environment,
            capture_output=True, text=True, check=True, timeout=300,
        ).stdout.strip()  # fmt: skip

    def run(
        self, notebook: nbformat.NotebookNode, *, allow_errors: bool = False
    ) -> nbformat.NotebookNode:
        """Run a notebook in the folder, to its end or to the first error.

        Its metadata then tell, as ``peak``, the largest memory of its kernel in bytes.
        """
        given, done = self.kernels / "given.ipynb", self.kernels / "done.ipynb"
        nbformat.write(notebook, given)
        program = Path(__file__).with_name("run_notebook.py")
        command = [sys.executable, program, self.kernels, self.work, given, done]
        ran = subprocess.run(
            [*command, *(["any"] if allow_errors else [])],
            capture_output=True, text=True, timeout=1100, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr[-5000:]
        return nbformat.read(done, as_version=4)
