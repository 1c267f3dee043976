"""The explorers in a real JupyterLab with a real kernel: the page and Python agree.

A server is started on a free port with a folder of its own; Chromium opens a notebook,
runs its cells and moves controls as a reader would.
"""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("lab"),
    pytest.mark.timeout(600),
]

PREPARE = """
import torch
from course_lib import widgets
from course_lib.lenet import LeNet
torch.manual_seed(0)
images = torch.rand(2, 1, 28, 28)
"""

# How each is made, a value that its first slider holds, and what Python sets it to.
EXPLORERS = {
    "KernelExplorer": ("widgets.KernelExplorer()", "kernel_height", 4),
    "PaddingStrideExplorer": ("widgets.PaddingStrideExplorer()", "height", 12),
    "ChannelsExplorer": ("widgets.ChannelsExplorer()", "c_i", 4),
    "PoolingExplorer": ("widgets.PoolingExplorer()", "shift", -2),
    "ReceptiveFieldExplorer": (
        "widgets.ReceptiveFieldExplorer(net=LeNet(), images=images)",
        "size",
        20,
    ),
    "LeNetExplorer": ("widgets.LeNetExplorer(LeNet(), images, [0, 1])", "map", 5),
    "LearnedKernelLab": ("widgets.LearnedKernelLab()", "learning_rate", 0.02),
}


QUIZ = [
    "from course_lib.widgets.questions import ask\nquiz = ask('channels/layer')\nquiz",
    "print('python sees', quiz.answers, quiz.tries, quiz.solved)",
    "quiz.reset()",
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _notebook(create: str, value: str, new: float) -> Any:
    cells = [
        f"{PREPARE}explorer = {create}\n"
        f"print('the slider is called', explorer.controls['{value}'].description)\n"
        "explorer",
        f"print('python sees', explorer.{value})",
        f"explorer.{value} = {new}",
    ]
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )


def _quiz_notebook() -> Any:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in QUIZ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    heading = nbformat.v4.new_markdown_cell("# Multiple Output Channels")
    notebook.cells.insert(0, heading)
    return notebook


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a running JupyterLab and its token."""
    home = tmp_path_factory.mktemp("lab")
    for name, recipe in EXPLORERS.items():
        nbformat.write(_notebook(*recipe), home / f"{name}.ipynb")
    nbformat.write(_quiz_notebook(), home / "Quiz.ipynb")
    token, port = secrets.token_hex(16), _free_port()
    own = {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "OMP_NUM_THREADS": "1",
        # A kernel must import the course also where it is not installed.
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser",
        "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={home}",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class="
        "jupyterlab.NeverCheckForUpdate", "--ServerApp.allow_root=True",
    ]  # fmt: skip
    log = (home / "lab.log").open("w")
    server = subprocess.Popen(
        command,
        cwd=home,
        env={**os.environ, **own},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not _answers(f"{address}/api/status?token={token}"):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"JupyterLab did not start:\n{_tail(home)}", pytrace=False)
            time.sleep(0.5)
        yield address, token
    finally:
        # The session of the server: its kernels end with it.
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        log.close()


def _tail(home: Path) -> str:
    return "\n".join((home / "lab.log").read_text().splitlines()[-20:])


class Notebook:
    """A notebook in JupyterLab, run with the button of its toolbar."""

    def __init__(self, page: Any, address: str, token: str, name: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._note)
        # A slow machine is asked whether to wait for its kernel: yes.
        dialog = page.locator(".jp-Dialog .jp-mod-accept").first
        page.add_locator_handler(dialog, lambda button: button.click())
        # A mode of its own shows one document, without panels and without news.
        page.goto(f"{address}/doc/tree/{name}.ipynb?token={token}", timeout=90_000)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        page.wait_for_function(
            "() => document.querySelector('.jp-Notebook-ExecutionIndicator')"
            "?.dataset.status === 'idle'",
            timeout=90_000,
        )

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def run(self, cell: int) -> None:
        """Run one cell and wait until it has its number."""
        code = self.page.locator(".jp-CodeCell").nth(cell)
        run = self.page.locator('[data-command="notebook:run-cell-and-select-next"]')
        # JupyterLab drops what is asked of it before its session is connected, which
        # nothing in the page shows: ask until the cell is taken up.
        for _ in range(30):
            code.locator(".cm-content").click()
            run.click()
            if self._prompt(cell, r"\[[\d*]+\]", 4_000):
                break
        assert self._prompt(cell, r"\[\d+\]", 120_000), f"cell {cell} did not finish"

    def _prompt(self, cell: int, pattern: str, milliseconds: int) -> bool:
        """Wait until the number beside a cell matches; tell whether it did."""
        from playwright.sync_api import TimeoutError as TooLate

        try:
            self.page.wait_for_function(
                """([i, pattern]) => new RegExp(pattern).test(
                    document.querySelectorAll(".jp-CodeCell")[i]
                    .querySelector(".jp-InputPrompt").textContent)""",
                arg=[cell, pattern],
                timeout=milliseconds,
            )
        except TooLate:
            return False
        return True

    def printed(self, cell: int) -> str:
        output = self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea")
        output.locator("pre").first.wait_for(timeout=30_000)
        return output.inner_text()

    def view(self, expression: str) -> Any:
        """Evaluate an expression of ``view``, the explorer's View in the page."""
        return self.page.evaluate(
            "() => { const view = document.querySelector('.cnn-view').explorer;"
            f" return {expression}; }}"
        )


@pytest.fixture
def open_notebook(lab: tuple[str, str], browser: Any) -> Iterator[Any]:
    contexts = []

    def open_one(name: str) -> Notebook:
        context = browser.new_context(viewport={"width": 1200, "height": 1000})
        contexts.append(context)
        return Notebook(context.new_page(), *lab, name)

    yield open_one
    for context in contexts:
        context.close()


ROW = """(label) => [...document.querySelectorAll(".cnn-explorer .widget-inline-hbox")]
  .find((row) => row.querySelector(".widget-label")?.textContent.trim() === label)"""

READS = """([row, value]) => {
  const text = row.querySelector(".widget-readout").textContent;
  return Math.abs(Number(text.replace("\u2212", "-")) - value) < 1e-6;
}"""


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_page_moves_python_and_python_moves_the_page(
    name: str, open_notebook: Any
) -> None:
    _, value, new = EXPLORERS[name]
    notebook = open_notebook(name)
    page = notebook.page
    notebook.run(0)
    page.wait_for_selector(".cnn-view[data-drawn]", timeout=60_000)
    before = notebook.view(f"view.model.get('{value}')")
    text = page.inner_text(".cnn-text")

    label = re.search(r"the slider is called (.+)", notebook.printed(0))
    assert label
    row = page.evaluate_handle(ROW, label[1].strip()).as_element()
    row.query_selector(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([name, before]) => document.querySelector('.cnn-view').explorer.model"
        ".get(name) !== before",
        arg=[value, before],
    )
    after = notebook.view(f"view.model.get('{value}')")
    page.wait_for_function(
        "(text) => document.querySelector('.cnn-text').textContent !== text", arg=text
    )
    notebook.run(1)
    seen = re.search(r"python sees (\S+)", notebook.printed(1))
    assert seen, notebook.printed(1)
    assert json.loads(seen[1]) == pytest.approx(after)

    notebook.run(2)
    page.wait_for_function(
        "([name, value]) => Math.abs(document.querySelector('.cnn-view').explorer.model"
        ".get(name) - value) < 1e-9",
        arg=[value, new],
        timeout=20_000,
    )
    page.wait_for_function(READS, arg=[row, new], timeout=20_000)
    assert page.locator(".cnn-explorer canvas:visible, .cnn-stage svg").count() > 0
    assert page.locator(".cnn-error:visible").count() == 0
    assert [t for t in notebook.troubles if "favicon" not in t] == []


def test_python_sees_what_a_reader_predicts_and_can_reset_it(
    open_notebook: Any,
) -> None:
    notebook = open_notebook("Quiz")
    page = notebook.page
    notebook.run(0)
    page.wait_for_selector(".cnn-quiz-view[data-drawn]", timeout=60_000)
    question = page.locator(".cnn-question").first
    question.locator("input").first.focus()
    for i, number in enumerate((3, 16, 5, 3)):
        if i:
            page.keyboard.press("Tab")
        page.keyboard.type(str(number))
    page.keyboard.press("Enter")
    verdict = question.locator(".cnn-verdict")
    verdict.get_by_text("Not quite: input channels first.").wait_for(timeout=20_000)
    # A notebook has no pages; the link leads to the heading that it does have.
    link = verdict.get_by_role("link", name="Multiple Output Channels")
    assert link.get_attribute("href").startswith("#")
    notebook.run(1)
    assert (
        "python sees [[3, 16, 5, 3], None] [1, 0] [False, False]" in notebook.printed(1)
    )
    notebook.run(2)
    page.wait_for_function(
        "() => document.querySelector('.cnn-verdict').textContent === ''",
        timeout=20_000,
    )
    assert question.locator("input").first.input_value() == ""
    assert [t for t in notebook.troubles if "favicon" not in t] == []
