"""Every twin runs from top to bottom where there is nothing but it and the wheel.

Twice: with the newest versions, and with those of Colab as far as they can be had for
this Python. Of Colab's list (googlecolab/backend-info, August 2026) these differ here:
Python itself (3.13 there), torch and torchvision (2.11 and 0.26 there: their builds for
this platform bring gigabytes of CUDA), and what `COLAB` does not name.

Their explorers are then drawn in a browser by the widget managers of both generations.
"""

import http.server
import json
import shutil
import subprocess
import tarfile
import threading
from functools import partial
from pathlib import Path

import build_notebooks
import nbformat
import pytest

from ..environments import ROOT, needed_layer
from .conftest import Machine

pytestmark = [
    pytest.mark.registry,
    pytest.mark.xdist_group("twins"),
    pytest.mark.timeout(1200),
]

COLAB = (
    "anywidget==0.9.21",
    "ipykernel==6.17.1",
    "ipython==7.34.0",
    "ipywidgets==7.7.1",
    "matplotlib==3.10.0",
    "numpy==2.1.3",
    "pillow==11.3.0",
    # … and what these old releases import themselves.
    "backcall==0.2.0",
    "decorator==4.4.2",
    "ipython_genutils==0.2.0",
    "jupyterlab_widgets==1.1.11",
    "matplotlib-inline==0.1.7",
    "nest_asyncio==1.6.0",
    "pickleshare==0.7.5",
    "widgetsnbextension==3.6.10",
)
#: Binder gives a server and its kernel 2 GB together.
MEMORY = 1.5e9

HERE = build_notebooks.publication()
PAGES = [HERE.twin(page) for page in build_notebooks.pages()]
# The cells of solutions and labs run in every build of the book, with versions that
# are nearly the newest, and test_twins.py shows that their twins have the same cells.
SOLUTION, LAB = "book/solutions/image-convolution.ipynb", "book/labs/plateau.ipynb"
COLAB_RUNS = [path for path in PAGES if "/solutions/" not in path] + [SOLUTION]
NEWEST_RUNS = [path for path in COLAB_RUNS if "/labs/" not in path or path == LAB]
RUNS = {"colab": COLAB_RUNS, "newest": NEWEST_RUNS}
NAMES = sorted(p.stem for p in (ROOT / "autograder" / "assignments").glob("*/*.md"))


class Runs:
    """The machines, and what became of the twins that they have run."""

    def __init__(self, make, published: Path) -> None:
        self.make, self.published = make, published
        self.machines: dict[str, Machine] = {}
        self.done: dict[tuple[str, str], nbformat.NotebookNode] = {}

    def machine(self, kind: str) -> Machine:
        if kind not in self.machines:
            self.machines[kind] = self.make(kind)
        return self.machines[kind]

    def of(self, kind: str, path: str) -> nbformat.NotebookNode:
        if (kind, path) not in self.done:
            machine = self.machine(kind)
            alone = machine.work / Path(path).name
            shutil.copy(self.published / path, alone)
            notebook = nbformat.read(alone, as_version=4)
            self.done[kind, path] = machine.run(notebook)
            alone.unlink()
        return self.done[kind, path]


@pytest.fixture(scope="module")
def runs(wheel, published, tmp_path_factory):
    def make(kind):
        layers = [needed_layer(COLAB)] if kind == "colab" else []
        machine = Machine(tmp_path_factory.mktemp(kind), *layers)
        shutil.copy(wheel, machine.work)
        return machine

    return Runs(make, published)


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind, paths in RUNS.items() for path in paths]
)
def test_the_twin_of_a_page_runs_to_its_end_in_little_memory(kind, path, runs):
    notebook = runs.of(kind, path)
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert 0 < notebook.metadata["peak"] < MEMORY


@pytest.mark.parametrize("kind", ["colab", "newest"])
def test_the_library_came_from_the_wheel_and_the_versions_are_meant(kind, runs):
    runs.of(kind, PAGES[0])
    machine = runs.machine(kind)
    place = machine.says("import course_lib; print(course_lib.__file__)")
    assert Path(place).is_relative_to(machine.installed)
    # Nothing else was installed: this machine lacked the course and nothing more.
    assert [p.name for p in machine.installed.glob("*.dist-info")] == [
        f"{next(machine.work.glob('*.whl')).name.rsplit('-', 3)[0]}.dist-info"
    ]
    names = [one.partition("==")[0] for one in COLAB[:7]]
    code = f"from importlib import metadata as m; print(*map(m.version, {names}))"
    versions = machine.says(code).split()
    meant = [one.partition("==")[2] for one in COLAB[:7]]
    moved = [a != b for a, b in zip(versions, meant, strict=True)]
    assert not any(moved) if kind == "colab" else all(moved)


def test_without_the_set_up_cell_the_course_is_not_there(tmp_path):
    machine = Machine(tmp_path)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        machine.says("import course_lib")
    assert "No module named 'course_lib'" in failed.value.stderr


def test_what_the_library_needs_is_installed_and_what_is_there_stays(
    wheel, published, tmp_path
):
    """As on Colab, where jaxtyping is missing; and its torch must not be moved."""
    machine = Machine(tmp_path, hide=("jaxtyping", "wadler_lindig", "cnn_course"))
    shutil.copy(wheel, machine.work)
    twin = nbformat.read(published / PAGES[0], as_version=4)
    twin.cells = [
        twin.cells[0],
        nbformat.v4.new_code_cell("course_lib.corr2d(*2 * [torch.ones(2, 2)])"),
    ]
    twin.cells[1].source = f"import course_lib, torch\n{twin.cells[1].source}"
    assert "4." in machine.run(twin).cells[1].outputs[0].data["text/plain"]
    installed = {p.name.split("-")[0] for p in machine.installed.glob("*.dist-info")}
    assert installed == {"cnn_course", "jaxtyping", "wadler_lindig"}


# --- assignments ----------------------------------------------------------------------


def answered(name: str, twin: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Put the model's answers into a student's notebook."""
    from autograder.testing import notebook_of

    model = {
        cell.metadata["nbgrader"]["grade_id"]: cell.source
        for cell in notebook_of(name, {}).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    for cell in twin.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = model.get(grade_id, cell.source)
    return twin


@pytest.mark.parametrize("kind", ["colab", "newest"])
@pytest.mark.parametrize("name", NAMES)
def test_an_assignment_with_its_answers_runs_to_its_end(name, kind, runs):
    twin = nbformat.read(runs.published / HERE.assignment(name), as_version=4)
    done = runs.machine(kind).run(answered(name, twin))
    counts = [c.execution_count for c in done.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_an_assignment_as_it_is_handed_out_says_what_is_missing(name, runs):
    twin = nbformat.read(runs.published / HERE.assignment(name), as_version=4)
    done = runs.machine("newest").run(twin, allow_errors=True)
    errors = [
        output.ename
        for cell in done.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert errors
    assert set(errors) == {"NotImplementedError"}


# --- explorers in a browser -----------------------------------------------------------

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Twin</title>
<script src="require.js"></script>
<script src="embed-amd.js"></script></head><body>
<script type="{state_type}">{state}</script>
{views}
</body></html>"""
VIEWS_WITHOUT_EXPLORER = """() => [...document.querySelectorAll(
    'script[type="application/vnd.jupyter.widget-view+json"]')]
    .filter((view) => !view.parentElement.querySelector('.cnn-explorer'))"""


def html_manager(kind: str, folder: Path) -> Path:
    """The bundle of npm's @jupyter-widgets/html-manager of a widget generation."""
    if kind == "newest":
        package = ROOT / "node_modules" / "@jupyter-widgets" / "html-manager"
    else:
        wanted = "@jupyter-widgets/html-manager@0.20.9"
        subprocess.run(
            ["npm", "pack", "--silent", "--ignore-scripts", wanted],
            cwd=folder, check=True, capture_output=True, timeout=300,
        )  # fmt: skip
        (packed,) = folder.glob("*.tgz")
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        package = folder / "package"
    return package / "dist" / "embed-amd.js"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that does not print."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module", params=["colab", "newest"])
def drawn(request, runs, tmp_path_factory):
    """A folder with a page of saved explorers for every chapter, and its address."""
    kind = request.param
    site = tmp_path_factory.mktemp("site")
    shutil.copy(html_manager(kind, tmp_path_factory.mktemp("npm")), site)
    shutil.copy(ROOT / "node_modules" / "requirejs" / "require.js", site)
    front = "import anywidget, pathlib; print(pathlib.Path(anywidget.__file__).parent)"
    runs.of(kind, PAGES[0])
    front_end = Path(runs.machine(kind).says(front)) / "nbextension" / "index.js"
    shutil.copy(front_end, site / "anywidget.js")
    handler = partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield kind, site, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def saved_page(notebook: nbformat.NotebookNode) -> tuple[str, int]:
    """Return a page with the explorers of a notebook, and how many there are."""
    views = [
        output.data[VIEW]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    ]
    text = "".join(
        f'<div><script type="{VIEW}">{json.dumps(view)}</script></div>\n'
        for view in views
    )
    state = json.dumps(notebook.metadata["widgets"][STATE]).replace("</", "<\\/")
    return PAGE.format(state_type=STATE, state=state, views=text), len(views)


def explorers(notebook: nbformat.NotebookNode) -> set[str]:
    """Name the classes of the explorers whose state is saved in a notebook."""
    saved = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    ids = [model["state"].get("_anywidget_id", "") for model in saved.values()]
    return {one.rpartition(".")[2] for one in ids if one.startswith("course_lib.")}


@pytest.mark.browser
def test_every_explorer_of_the_twins_is_drawn_by_the_manager_of_its_widgets(
    drawn, runs, browser
):
    from course_lib import widgets

    kind, site, address = drawn
    seen = set()
    for path in RUNS[kind]:
        notebook = runs.of(kind, path)
        if not explorers(notebook):
            continue
        text, count = saved_page(notebook)
        (site / "page.html").write_text(text, encoding="utf-8")
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error, to=errors: to.append(str(error)))
        page.goto(f"{address}/page.html")
        page.wait_for_function(
            f"() => ({VIEWS_WITHOUT_EXPLORER})().length === 0", timeout=120_000
        )
        assert page.locator(".cnn-explorer").count() >= count, path
        assert errors == [], path
        page.close()
        seen |= explorers(notebook)
    assert seen >= set(widgets.__all__)
