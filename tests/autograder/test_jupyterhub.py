"""A JupyterHub set up as the instructors' guide says: one instructor, two students.

Hub, proxy, accounts and passwords are real, in namespaces of their own: a machine in
the machine, whose `/etc`, `/home` and `/srv` are ours, and which takes every process
and account with it when it ends.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from autograder.testing import notebook_of

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "book" / "instructors" / "run-a-course.md"
SHOTS = ROOT / "_build" / "screenshots"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sandbox,
    pytest.mark.xdist_group("lab"),
    pytest.mark.timeout(1800),
]

SLOW = 180_000  # milliseconds that a loaded machine may need for one press of a button

TEACHER, RIGHT, WRONG = "teacher", "ada", "ben"
PASSWORDS = {TEACHER: "chalk-and-board", RIGHT: "lovelace-1843", WRONG: "tiger-77"}

#: the kernel's columns are flipped, which the visible test notices as well
FLIPPED = """\
def corr2d(X, K):
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K.flip(1)).sum()
    return Y
"""
ANSWERS = {RIGHT: {}, WRONG: {"corr2d": FLIPPED}}


# --- a machine in the machine ---------------------------------------------------------


class Machine:
    """Namespaces in which `/etc`, `/home`, `/srv` and the processes are our own."""

    OURS = ("etc", "home", "srv")
    EMPTY = ("/root", "/run", "/tmp", "/var/log", "/var/mail")

    def __init__(self, folder):
        shutil.copytree("/etc", folder / "etc", symlinks=True)
        for name in ("home", "srv"):
            (folder / name).mkdir()
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [*self.bubblewrap(folder, write), "sh", "-c", self.INIT],
            pass_fds=[write],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.close(write)
        with open(read) as about:
            self.init = json.load(about)["child-pid"]
        if self.process.stdout.readline() != "ready\n":
            pytest.fail("the machine did not start", pytrace=False)

    # bubblewrap's own /proc has covers that forbid a sandbox within.
    INIT = "mount -t proc proc /proc && echo ready && exec sleep infinity"

    def bubblewrap(self, folder, info):
        """Mount ours; uncover what all accounts must read in folders closed to them."""
        roots = {ROOT, ROOT / "node_modules", sys.prefix, sys.base_prefix}
        roots = {Path(path).resolve() for path in roots}
        empty = {Path(place) for place in self.EMPTY}
        empty |= {c for path in roots if (c := first_closed(path))}
        needed = {n for p in roots for n in (p.iterdir() if p in empty else (p,))}
        covered = sorted(n for n in needed if empty & set(n.parents))
        inner = {p for n in covered for p in n.parents if empty & set(p.parents)}
        return [
            *("bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--unshare-pid"),
            *("--die-with-parent", "--info-fd", str(info)),
            *(
                word
                for place in sorted(empty)
                for mode in ("1777" if place == Path("/tmp") else "0755",)
                for word in ("--perms", mode, "--tmpfs", str(place))
            ),
            *(
                word
                for place in sorted(inner)
                for word in ("--perms", "0755", "--dir", str(place))
            ),
            *(w for n in covered for w in ("--ro-bind", str(n), str(n))),
            *(w for n in self.OURS for w in ("--bind", str(folder / n), f"/{n}")),
            "--",
        ]

    def command(self, words, account):
        """Return the command that runs a shell's line in the machine."""
        path = f"{sys.prefix}/bin:{ROOT}/node_modules/.bin:{os.environ['PATH']}"
        home = "/root" if account == "root" else f"/home/{account}"
        # A login starts with next to nothing, and so does this.
        clean = ["env", "-i", f"PATH={path}", f"HOME={home}", f"USER={account}"]
        clean += ["LANG=C.UTF-8", "OMP_NUM_THREADS=1", f"LOGNAME={account}"]
        become = [] if account == "root" else ["runuser", "-u", account, "--"]
        enter = ["nsenter", "--target", str(self.init), "--mount", "--pid"]
        return [*enter, *become, *clean, "sh", "-c", f"cd ~ && {words}"]

    def run(self, words, account="root", *, check=True, text=None):
        """Run a line as an account; return what it printed."""
        done = subprocess.run(
            self.command(words, account),
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check and done.returncode:
            pytest.fail(f"{account}: {words}\n{done.stdout}{done.stderr}")
        return done

    def close(self):
        """End the first process: the kernel ends the others."""
        os.kill(self.init, signal.SIGKILL)
        self.process.wait(60)  # bubblewrap's, which waits for the first one's end
        self.process.stdout.close()


def first_closed(path):
    """Return the first folder on the way to a path that not all accounts may enter."""
    way = (*reversed(path.parents), path)
    return next((p for p in way if p.stat().st_mode & 0o005 != 0o005), None)


# --- what the guide says --------------------------------------------------------------


SET_UP, COURSE = "Set up a JupyterHub", "Make the course"


def guide(title):
    """Return a section of the guide."""
    text = GUIDE.read_text(encoding="utf-8")
    _, _, section = text.partition(f"\n## {title}\n")
    return section.partition("\n## ")[0]


def listings():
    """Return the guide's files: path -> contents."""
    pattern = r"```{code-block} \w+\n:caption: (\S+)\n\n(.*?)```"
    return dict(re.findall(pattern, guide(SET_UP), re.DOTALL))


def typed(prompt, title):
    """Return the lines after a prompt, in order."""
    blocks = re.findall(r"```console\n(.*?)```", guide(title), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line[2:] for line in lines if line.startswith(f"{prompt} ")]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """The administrator's part of the guide, typed as it stands there."""
    if os.geteuid() != 0:
        lacks("root, to make accounts in namespaces of their own")
    before = ACCOUNTS.read_bytes()
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        for line in typed("#", SET_UP):
            match shlex.split(line):
                case ["pip" | "npm", "install", *_]:
                    pass  # set-up has installed the versions that we lock
                case ["passwd", name]:
                    secret = PASSWORDS[name]
                    machine.run(line, text=f"{secret}\n{secret}\n")
                case ["jupyterhub"] | ["cd", "/srv/jupyterhub"]:
                    pass  # see `hub`
                case _:
                    machine.run(line)
        for path, text in listings().items():
            owner = path.split("/")[2] if path.startswith("/home/") else "root"
            folder = os.path.dirname(path)
            machine.run(f"mkdir -p {folder} && cat > {path}", owner, text=text)
        doctor = machine.run("python -m autograder doctor", TEACHER, check=False)
        if doctor.returncode:
            lacks(f"a sandbox for accounts other than root:\n{doctor.stdout}")
        for name in PASSWORDS:
            # Nobody is asked about news in the middle of pressing something else.
            machine.run(f"mkdir -p {NEWS} && cat > {NEWS}/{ASKED}", name, text=ANSWER)
        yield machine
    finally:
        machine.close()
    assert ACCOUNTS.read_bytes() == before
    assert not Path("/proc", str(machine.init)).exists()


def lacks(what):
    """Skip, or under CI=true fail, as tests/conftest.py does."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"needs {what}")


ACCOUNTS = Path("/etc/passwd")
NEWS = ".jupyter/lab/user-settings/@jupyterlab/apputils-extension"
ASKED, ANSWER = "notification.jupyterlab-settings", '{"fetchNews": "false"}'


@pytest.fixture(scope="module")
def hub(machine, tmp_path_factory):
    """JupyterHub with the guide's configuration, on ports of our own; its address."""
    port, hub_port, api_port = free_ports(3)
    address = f"http://127.0.0.1:{port}"
    words = [
        *("exec jupyterhub", f"--JupyterHub.bind_url={address}"),
        f"--JupyterHub.hub_port={hub_port}",
        f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api_port}",
    ]
    log = tmp_path_factory.mktemp("hub") / "hub.log"
    with log.open("w") as stdout:
        process = subprocess.Popen(
            machine.command(f"cd /srv/jupyterhub && {' '.join(words)}", "root"),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + 180
        while not answers(f"{address}/hub/health"):
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"no hub:\n{log.read_text()[-3000:]}", pytrace=False)
            time.sleep(0.5)
        yield address
    finally:
        process.terminate()  # ends what it has started
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def free_ports(number):
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


# --- in the browser -------------------------------------------------------------------


@contextmanager
def signed_in(browser, hub, name):
    """Sign in with name and password, and wait for one's own JupyterLab."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    try:
        context.set_default_timeout(SLOW)
        page = context.new_page()
        page.goto(f"{hub}/")
        page.locator("#username_input").fill(name)
        page.locator("#password_input").fill(PASSWORDS[name])
        page.locator("#login_submit").click()
        page.wait_for_url(f"**/user/{name}/lab**")
        page.locator(".jp-LabShell").wait_for()
        yield page
    except Exception:
        shoot(page, f"failed-{name}")
        raise
    finally:
        context.close()


def shoot(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"hub-{name}.png")


def nbgrader_menu(page, command):
    page.locator(".lm-MenuBar-item", has_text="Nbgrader").click()
    page.locator(f".lm-Menu-item[data-command='nbgrader:{command}']").click()


def assignment_list(page):
    """Open nbgrader's Assignment List."""
    nbgrader_menu(page, "open-assignment-list")
    page.locator("#released_assignments_list").wait_for()


def in_list(page, which):
    """Return the row of corr2d among the released, fetched or submitted ones."""
    rows = page.locator(f"#{which}_assignments_list > .list_item")
    return rows.filter(has_text="corr2d")


def write(page, name, source):
    """Replace the cell in which a function is to be written."""
    cell = page.locator(".jp-CodeCell").filter(has_text=f"def {name}(").first
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)


def plain(source):
    """Leave out the marks between which the model solution stands."""
    lines = source.splitlines()
    return "\n".join(line for line in lines if " SOLUTION" not in line)


def hand_in(browser, hub, name):
    """Fetch, answer in the notebook, save and submit."""
    with signed_in(browser, hub, name) as page:
        assignment_list(page)
        in_list(page, "released").get_by_role("button", name="Fetch").click()
        in_list(page, "fetched").get_by_role("button", name="Submit").wait_for()
        shoot(page, f"fetched-{name}")
        page.goto(f"{hub}/user/{name}/lab/tree/corr2d/corr2d.ipynb")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        model = notebook_of("corr2d", ANSWERS[name])
        for cell in model.cells:
            about = cell.metadata.get("nbgrader", {})
            if about.get("solution") and cell.cell_type == "code":
                write(page, about["grade_id"], plain(cell.source))
        page.keyboard.press("Control+S")
        page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached")
        shoot(page, f"answered-{name}")
        assignment_list(page)
        in_list(page, "fetched").get_by_role("button", name="Submit").click()
        in_list(page, "submitted").wait_for()
        shoot(page, f"submitted-{name}")


@pytest.fixture(scope="module")
def released(machine):
    """The instructor's first steps, as the guide has them."""
    lines = [*typed("$", COURSE), "nbgrader release_assignment corr2d"]
    machine.run(" && ".join(lines), TEACHER)


@pytest.fixture(scope="module")
def submitted(machine, hub, released, browser):
    for name in ANSWERS:
        hand_in(browser, hub, name)


@pytest.fixture(scope="module")
def shown(submitted, hub, browser):
    """Collect, grade and give feedback in the formgrader: the scores that it shows."""
    scores = {}
    with signed_in(browser, hub, TEACHER) as page:
        nbgrader_menu(page, "open-formgrader")
        frame = page.frame_locator("#formgrader-iframe iframe")
        task = frame.locator("tbody tr").filter(has_text="corr2d")
        press(frame, task, "collect", "Successfully collected")
        shoot(page, "collected")
        task.locator(".num-submissions a", has_text=str(len(ANSWERS))).click()
        for name in ANSWERS:
            row = student_row(frame, name)
            press(frame, row, "autograde", "Successfully autograded")
            row.locator(".status", has_text=re.compile(r"^\s*graded")).wait_for()
            scores[name] = float(row.locator(".score").inner_text().split(" / ")[0])
        shoot(page, "graded")
        for name in ANSWERS:
            row = student_row(frame, name)
            press(frame, row, "generate-feedback", "Successfully generated feedback")
            press(frame, row, "release-feedback", "Successfully released feedback")
    return scores


def student_row(frame, name):
    student = frame.locator(".student-id", has_text=name)
    return frame.locator("tbody tr").filter(has=student)


def press(frame, row, button, success):
    """Press a button of the formgrader and read what its dialog says."""
    row.locator(f".{button} a").click()
    dialog = frame.locator(".modal-dialog:visible")
    dialog.wait_for()
    assert success in dialog.inner_text()
    dialog.get_by_role("button", name="OK").click()
    dialog.wait_for(state="hidden")


@pytest.fixture(scope="module")
def read(shown, hub, browser):
    """Fetch feedback and open it: what each student reads."""
    return {name: feedback(browser, hub, name) for name in ANSWERS}


def feedback(browser, hub, name):
    with signed_in(browser, hub, name) as page:
        assignment_list(page)
        row = in_list(page, "submitted")
        row.get_by_role("button", name="Fetch Feedback").click()
        row.get_by_text("(view feedback)").click()
        page.locator(".jp-DirListing-item", has_text="corr2d.html").dblclick()
        viewer = page.frame_locator(".jp-HTMLViewer iframe")
        viewer.get_by_text("corr2d (Score:").wait_for()
        text = viewer.locator("body").inner_text()
        shoot(page, f"feedback-{name}")
    return text


# --- what came of it ------------------------------------------------------------------


@pytest.fixture(scope="module")
def checked(shown, machine):
    """What `check` says of what was collected."""
    found = {}
    for name in ANSWERS:
        path = f"course/submitted/{name}/corr2d/corr2d.ipynb"
        words = f"python -m autograder check corr2d {path} --student {name} --json"
        found[name] = json.loads(machine.run(words, TEACHER, check=False).stdout)
    return found


def test_the_formgrader_shows_the_score_of_check(shown, checked):
    assert shown == {name: result["score"] for name, result in checked.items()}
    assert shown[RIGHT] == checked[RIGHT]["max_score"]
    assert 0 < shown[WRONG] < shown[RIGHT]


def test_each_student_reads_score_and_hints_of_their_own(read, checked):
    for name, result in checked.items():
        assert f"corr2d (Score: {result['score']} / 28.0)" in read[name]
        hints = [check["hint"] for check in result["checks"] if check["hint"]]
        assert [hint for hint in hints if hint not in read[name]] == []
    lost = [c["hint"] for c in checked[WRONG]["checks"] if c["outcome"] == "failed"]
    assert any(lost)
    assert [hint for hint in lost if hint and hint in read[RIGHT]] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_a_student_holds_one_feedback_page(name, read, machine):
    """Of all files on the machine, only one's own copy can be read or even seen."""
    words = "find /home /srv -name '*.html' -path '*feedback*' -readable"
    words += " -not -path '*/.ipynb_checkpoints/*'"  # JupyterLab's copy of the same
    (page,) = machine.run(words, name, check=False).stdout.splitlines()
    assert re.fullmatch(rf"/home/{name}/corr2d/feedback/[^/]+/corr2d\.html", page)


@pytest.mark.parametrize(("name", "other"), [(RIGHT, WRONG), (WRONG, RIGHT)])
def test_nothing_of_anothers_can_be_listed_or_opened(name, other, read, machine):
    exchange, closed = "/srv/nbgrader/exchange/cnn", f"/home/{other} /home/{TEACHER}"
    places = [f"{exchange}/inbound", f"{exchange}/feedback", *closed.split()]
    for place in places:
        done = machine.run(f"ls {place}", name, check=False)
        assert "Permission denied" in done.stderr
        assert done.stdout == ""
    # In the exchange a page opens to whoever knows its name. What that name is made
    # of lies in closed homes.
    for pattern in ("submission_secret.txt", "corr2d.html", "gradebook.db"):
        words = f"find {closed} -name {pattern} -type f"
        there = machine.run(words).stdout.splitlines()
        assert there
        for path in there:
            done = machine.run(f"cat {shlex.quote(path)}", name, check=False)
            assert "Permission denied" in done.stderr, path


def test_the_hub_keeps_students_out_of_anothers_server(read, hub, browser):
    with signed_in(browser, hub, WRONG) as page:
        own = page.request.get(f"{hub}/user/{WRONG}/api/contents/corr2d/feedback")
        (folder,) = own.json()["content"]
        for other in (RIGHT, TEACHER):
            for place in ("lab", "api/contents", f"files/{folder['path']}/corr2d.html"):
                reply = page.request.get(f"{hub}/user/{other}/{place}")
                assert reply.status == 403, place
                assert "corr2d" not in reply.text()
        page.goto(f"{hub}/user/{RIGHT}/lab")
        page.get_by_text("403 : You do not have permission").wait_for()
        shoot(page, "forbidden")


def test_the_exchange_belongs_to_the_instructor(read, machine):
    """Students cannot put a course of their own in the place of this one."""
    for name in ANSWERS:
        words = "mv /srv/nbgrader/exchange/cnn /srv/nbgrader/exchange/other"
        assert "not permitted" in machine.run(words, name, check=False).stderr
