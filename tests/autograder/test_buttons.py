"""What an instructor and a student press in a real JupyterLab: Autograde and Validate.

A course of ``corr2d`` is made with our commands; JupyterLab is started in it with
nbgrader's own extensions; Chromium presses the buttons.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager

import nbformat
import pytest

from autograder.testing import notebook_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sandbox,
    # One JupyterLab at a time: two would make each other slow.
    pytest.mark.xdist_group("lab"),
    pytest.mark.timeout(900),
]

#: the kernel's columns are flipped, which the first visible test notices
WRONG = """\
def corr2d(X, K):
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K.flip(1)).sum()
    return Y
"""
ANSWERS = {"right": {}, "wrong": {"corr2d": WRONG}}

SLOW = 120_000  # milliseconds that a loaded machine may need for one press of a button


# --- the course and its servers -------------------------------------------------------


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    """A course in which corr2d was released and submitted twice; nothing is graded."""
    course = tmp_path_factory.mktemp("buttons") / "course"
    run("autograder", "new-course", course, "--course-id", "cnn", cwd=course.parent)
    run("autograder", "release", "corr2d", cwd=course)
    for student in ANSWERS:
        folder = course / "submitted" / student / "corr2d"
        folder.mkdir(parents=True)
        answer(course, student, folder / "corr2d.ipynb")
    return course


def answer(course, student, path):
    """Write what a student makes of the released notebook: answers in their cells."""
    notebook = nbformat.read(course / "release/corr2d/corr2d.ipynb", as_version=4)
    model = notebook_of("corr2d", ANSWERS[student])
    texts = {c.metadata["nbgrader"]["grade_id"]: c.source for c in ours(model)}
    for cell in ours(notebook):
        if cell.metadata["nbgrader"]["solution"]:
            cell.source = texts[cell.metadata["nbgrader"]["grade_id"]]
    nbformat.write(notebook, path)


def ours(notebook):
    """Return the cells that nbgrader knows."""
    return [cell for cell in notebook.cells if "nbgrader" in cell.metadata]


@pytest.fixture
def course(made, tmp_path):
    """A copy of the course of one's own."""
    return shutil.copytree(made, tmp_path / "course")


@pytest.fixture(scope="module")
def graded_here(made):
    """The copy in which the instructor's server runs."""
    course = shutil.copytree(made, made.parent / "graded")
    for name in ANSWERS:
        answer(made, name, course / f"{name}.ipynb")
    return course


@pytest.fixture(scope="module")
def instructor(graded_here, tmp_path_factory):
    """JupyterLab as an instructor starts it: in the course."""
    with lab(graded_here, tmp_path_factory.mktemp("instructor")) as address:
        yield address


@pytest.fixture(scope="module")
def student(made, tmp_path_factory):
    """JupyterLab as a student starts it: with the notebooks and no configuration."""
    home = tmp_path_factory.mktemp("home")
    for name in ANSWERS:
        answer(made, name, home / f"{name}.ipynb")
    with lab(home, tmp_path_factory.mktemp("student")) as address:
        yield address


@contextmanager
def lab(folder, home):
    """Run JupyterLab in a folder; its address says the token, too."""
    token, port = secrets.token_hex(16), free_port()
    own = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "OMP_NUM_THREADS": 1,
    }
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser",
        "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class="
        "jupyterlab.NeverCheckForUpdate", "--ServerApp.allow_root=True",
    ]  # fmt: skip
    # Without an answer, a question about news lies over the formgrader's table.
    news = home / "settings/@jupyterlab/apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    log = home / "lab.log"
    with log.open("w") as stdout:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **{name: str(value) for name, value in own.items()}},
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}/{{}}?token={token}"
    try:
        until = time.monotonic() + 120
        while not answers(address.format("api/status")):
            if server.poll() is not None or time.monotonic() > until:
                pytest.fail(f"no JupyterLab:\n{log.read_text()[-3000:]}", pytrace=False)
            time.sleep(0.5)
        yield address
    finally:
        # Asked to end, a server ends its kernels first.
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


# --- the page -------------------------------------------------------------------------


@contextmanager
def page_at(browser, address):
    """Open an address; what the page complains about must be nothing."""
    troubles = []

    def note(message):
        if message.type == "error":
            troubles.append(f"{message.text} ({message.location.get('url', '')})")

    context = browser.new_context(viewport={"width": 1300, "height": 900})
    try:
        context.set_default_timeout(SLOW)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", note)
        page.goto(address)
        yield page
    finally:
        context.close()
    assert troubles == []


def formgrader(page):
    """Open the formgrader with nbgrader's menu and return its frame."""
    page.locator(".lm-MenuBar-item", has_text="Nbgrader").click()
    page.locator(".lm-Menu-item[data-command='nbgrader:open-formgrader']").click()
    return page.frame_locator("#formgrader-iframe iframe")


def validate(page):
    """Press Validate in an open notebook and return what the dialog says."""
    # A slow machine is asked whether to wait for its kernel: yes.
    other = page.locator(".jp-Dialog").filter(has_not_text="Validation")
    accept = other.locator(".jp-mod-accept").first
    page.add_locator_handler(accept, lambda button: button.click())
    page.locator("[data-status='idle'].jp-Notebook-ExecutionIndicator").wait_for()
    page.locator(".jp-NotebookPanel-toolbar .validate-button").click()
    dialog = page.locator(".jp-Dialog-content", has_text="Validation")
    dialog.wait_for()
    text = dialog.inner_text()
    dialog.locator(".jp-mod-accept").click()
    dialog.wait_for(state="detached")
    return text


# --- one score ------------------------------------------------------------------------


def in_gradebook(course):
    """Return what the hidden checks gave each student, as the gradebook has it."""
    with closing(sqlite3.connect(course / "gradebook.db")) as book:
        rows = book.execute(
            """
            select a.student_id, sum(g.auto_score)
            from grade g
            join submitted_notebook n on n.id = g.notebook_id
            join submitted_assignment a on a.id = n.assignment_id
            group by a.student_id
            """
        )
        return dict(rows)


@pytest.fixture(scope="module")
def scores(made, run):
    """What ``check`` gives each submission."""
    found = {}
    for name in ANSWERS:
        path = made / "submitted" / name / "corr2d" / "corr2d.ipynb"
        words = ("check", "corr2d", path, "--json")
        done = run("autograder", *words, cwd=made.parent, check=False)
        result = json.loads(done.stdout)
        assert result["state"] == "graded"
        found[name] = result["score"]
    assert found["right"] == result["max_score"]
    assert 0 < found["wrong"] < found["right"]
    return found


def test_the_autograde_button_shows_and_keeps_the_score_of_check(
    scores, graded_here, instructor, browser
):
    shown = {}
    with page_at(browser, instructor.format("lab")) as page:
        frame = formgrader(page)
        frame.locator(".num-submissions a").click()
        for name in ANSWERS:
            student = frame.locator(".student-id", has_text=name)
            row = frame.locator("tbody tr").filter(has=student)
            row.locator(".status", has_text="needs autograding").wait_for()
            row.locator(".autograde a").click()
            log = frame.locator(".modal-dialog:visible")
            log.wait_for()
            assert "Successfully autograded" in log.inner_text()
            log.get_by_role("button", name="OK").click()
            log.wait_for(state="hidden")
            row.locator(".status", has_text="needs manual grading").wait_for()
            score, _ = row.locator(".score").inner_text().split(" / ")
            shown[name] = float(score)
    assert shown == scores
    assert in_gradebook(graded_here) == scores


def test_grade_gives_the_score_of_check(scores, course, run):
    done = run("autograder", "grade", "corr2d", "--json", cwd=course)
    assert {r["student"]: r["score"] for r in json.loads(done.stdout)} == scores
    assert in_gradebook(course) == scores


def test_nbgrader_autograde_gives_the_score_of_check(scores, course, run):
    run("nbgrader", "autograde", "corr2d", cwd=course)
    assert in_gradebook(course) == scores


# --- Validate -------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["instructor", "student"])
def test_validate_says_that_a_right_answer_passes(place, request, browser):
    address = request.getfixturevalue(place)
    with page_at(browser, address.format("doc/tree/right.ipynb")) as page:
        said = validate(page)
    assert "Success! Your notebook passes all the tests." in said


@pytest.mark.parametrize("place", ["instructor", "student"])
def test_validate_shows_the_test_that_a_wrong_answer_fails(place, request, browser):
    address = request.getfixturevalue(place)
    with page_at(browser, address.format("doc/tree/wrong.ipynb")) as page:
        said = validate(page)
    assert "The following cell failed" in said
    assert "corr2d passes the first test." in said  # the source of the test
    assert "AssertionError: got tensor([[17., 23.]" in said
    assert "corr2d_padded_strided" not in said  # the other answers are right
    assert "Success" not in said
