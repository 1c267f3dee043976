"""A Dask cluster of real processes: the same bytes, losses, refusals and ends."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder import cluster
from autograder import progress as limits
from autograder.cluster import ADDRESS, ClusterError, Refused, admit, grade_one
from autograder.course import RESULT, Course
from autograder.outcome import State
from autograder.pool import grade_all
from autograder.progress import Losses

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.xdist_group("cluster"),
    pytest.mark.filterwarnings("ignore"),  # of Dask, about itself
]

WRONG = {"double": "def double(X):\n    return X"}
SLOW = {"double": "import time\ntime.sleep(1.5)\ndef double(X):\n    return 2 * X"}


def dask(tmp_path, *words, **environment):
    """Start a command of Dask's; what it says is kept beside the course."""
    log = open(tmp_path / f"{words[0]}-{time.monotonic_ns()}.log", "w")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words, "--no-dashboard"],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            start_new_session=True,
        )


def end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def start(tiny, tmp_path):
    """Start parts of a cluster; all of them end with the test."""
    started = []

    def begin(*words, **environment):
        started.append(dask(tmp_path, *words, **environment))
        return started[-1]

    yield begin
    for process in started:
        end(process)


@pytest.fixture
def scheduler(start):
    """A scheduler without workers: its process and its address."""
    port = free_port()
    place = ("--host", "127.0.0.1", "--port", str(port))
    return start("scheduler", *place), f"tcp://127.0.0.1:{port}"


def worker(start, address, threads=1, **environment):
    """Start a worker that ends when it is killed, and is not started again."""
    nthreads = ("--nthreads", str(threads), "--no-nanny")
    return start("worker", address, *nthreads, **environment)


def grading(course, *words):
    """Start ``grade`` as a person types it."""
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", "grade", "tiny", "--course", course]
        + [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def results(course):
    return {p.parent: p.read_bytes() for p in course.rglob(RESULT)}


def until(course, count, seconds=200):
    """Wait until that many results are kept."""
    last = time.monotonic() + seconds
    while len(results(course)) < count:
        assert time.monotonic() < last
        time.sleep(0.05)


def by_name(course):
    """Results by student and key, wherever the course lies."""
    return {path.parts[-2:]: text for path, text in results(course).items()}


def test_a_cluster_gives_the_same_bytes_and_records_them(
    course, submit, scheduler, start, run
):
    """One worker with several threads, one with the usual one; and a rerun."""
    for i in range(6):
        submit(course, f"s{i}", WRONG if i % 2 else {})
    submit(course, "unreadable").write_text("{")
    twin = course.with_name("twin")
    twin.mkdir()
    subprocess.run(["cp", "-a", f"{course}/.", str(twin)], check=True)
    _, address = scheduler
    worker(start, address, threads=3)
    worker(start, address)
    done = run(
        *("autograder", "grade", "tiny", "--course", course, "--json"),
        *("--scheduler", address),
        cwd=course.parent,
        check=False,
    )
    assert done.returncode == 1, done.stderr  # a person has to look at one
    assert [r["score"] for r in json.loads(done.stdout)] == [5, 2, 5, 2, 5, 2, 0]
    grade_all(Course(twin), "tiny", jobs=2)
    assert by_name(course) == by_name(twin)
    assert (course / "autograded" / "s1" / "tiny" / "tiny.ipynb").is_file()
    assert not list((course / ".autograder").glob(".probe-*"))
    before = {p: p.stat().st_mtime_ns for p in results(course)}
    again = grading(course, "--scheduler", address)
    assert again.wait(100) == 1
    assert {p: p.stat().st_mtime_ns for p in results(course)} == before


def test_a_lost_worker_costs_no_submission(course, submit, scheduler, start):
    submit(course, "ada")
    for name in ("ben", "cleo"):
        submit(course, name, SLOW)
    _, address = scheduler
    first = worker(start, address)
    running = grading(course, "--scheduler", address)
    until(course, 1)
    time.sleep(0.5)
    end(first)
    assert running.poll() is None
    worker(start, address)
    said, complaint = running.communicate(timeout=200)
    assert running.returncode == 0, complaint
    assert said.count("5 / 5") == 3


def test_a_submission_that_is_lost_twice_is_the_graders_error(
    course, submit, monkeypatch, scheduler, start
):
    """Here it hangs, which counts as lost; a worker that hung is not used again."""
    monkeypatch.setattr(limits, "HANG_SECONDS", 5.0)
    forever = "import time\ntime.sleep(40)\ndef double(X):\n    return 2 * X"
    submit(course, "ada", {"double": forever})
    _, address = scheduler
    worker(start, address)
    worker(start, address)
    (result,) = grade_all(Course(course), "tiny", scheduler=address)
    assert (result.state, result.reason) == (State.GRADER_ERROR, "grading hung")
    assert result.max_score == 5


def test_a_dead_scheduler_ends_the_run_and_keeps_what_is_finished(
    course, submit, scheduler, start
):
    submit(course, "ada")
    for name in ("ben", "cleo", "dora"):
        submit(course, name, SLOW)
    process, address = scheduler
    worker(start, address)
    running = grading(course, "--scheduler", address)
    until(course, 1)
    end(process)
    _, complaint = running.communicate(timeout=100)
    assert running.returncode == 3
    assert f"the scheduler at {address} was lost" in complaint
    assert "graded and kept" in complaint
    assert not (course / "autograded").exists()
    found = grade_all(Course(course), "tiny", jobs=1)
    assert [r.score for r in found] == [5, 5, 5, 5]


def test_ctrl_c_says_what_is_left(course, submit, scheduler, start):
    submit(course, "ada")
    for name in ("ben", "cleo", "dora"):
        submit(course, name, SLOW)
    _, address = scheduler
    worker(start, address)
    running = grading(course, "--scheduler", address)
    until(course, 1)
    running.send_signal(signal.SIGINT)
    _, complaint = running.communicate(timeout=100)
    assert running.returncode == 130
    assert "graded and kept, " in complaint
    assert "interrupted; finished work is kept" in complaint


def test_a_worker_that_would_grade_otherwise_is_not_used(
    course, submit, scheduler, start, tmp_path
):
    """Other hidden checks there: it is said, and nothing is graded by them."""
    submit(course, "ada")
    others = tmp_path / "others"
    others.mkdir()
    (others / "test_tiny.py").write_text("# no checks\n")
    _, address = scheduler
    worker(start, address, AUTOGRADER_CHECKS=str(others))
    running = grading(course, "--scheduler", address)
    _, complaint = running.communicate(timeout=100)
    assert running.returncode == 3
    assert f"no worker of {address} can be used" in complaint
    assert "its hidden checks are others" in complaint
    assert not results(course)


def test_without_workers_it_says_how_to_start_one(
    course, submit, scheduler, monkeypatch
):
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 2.0)
    submit(course, "ada")
    _, address = scheduler
    with pytest.raises(ClusterError, match=f"start some: dask worker {address}"):
        grade_all(Course(course), "tiny", scheduler=address)


def test_where_nothing_answers_it_says_so(course, submit, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    submit(course, "ada")
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ClusterError, match=f"can be reached at {address}"):
        grade_all(Course(course), "tiny", scheduler=address)


def test_without_dask_it_says_what_to_install(course, submit, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    submit(course, "ada")
    with pytest.raises(ClusterError, match=r"pip install 'cnn-course\[cluster\]'"):
        grade_all(Course(course), "tiny", scheduler="tcp://127.0.0.1:1")


ADDRESSES = {
    "tcp://127.0.0.1:8786": True,
    "tls://grader.example.org:8786": True,
    "tcp://[::1]:8786": True,
    "127.0.0.1:8786": False,
    "tcp://host": False,
    "http://host:8786": False,
    "": False,
}


@pytest.mark.parametrize(("text", "right"), ADDRESSES.items())
def test_an_address_is_known_by_its_form(text, right):
    assert bool(ADDRESS.fullmatch(text)) is right


# --- what a worker refuses ------------------------------------------------------------


@pytest.fixture
def asked(course):
    """What the client asks a worker, as it may be altered."""
    place = Course(course)
    probe = cluster._probe(place)
    return [str(course), "tiny", place.conditions("tiny"), probe]


def test_a_worker_like_the_client_is_admitted(asked):
    admit(*asked)


@pytest.mark.parametrize("what", ["release", "checks", "grader", "torch"])
def test_whatever_differs_is_named(asked, what):
    asked[2] = {**asked[2], what: "another"}
    remedy = re.escape(cluster.REMEDIES[what])
    with pytest.raises(Refused, match=f"{what} differs.*: {remedy}"):
        admit(*asked)


def test_another_file_system_is_noticed(asked, tmp_path):
    asked[3].unlink()
    with pytest.raises(Refused, match="mount the same folder at the same path"):
        admit(*asked)
    asked[3].write_text("another")
    with pytest.raises(Refused, match="is another folder of that name"):
        admit(*asked)


def test_no_sandbox_there_means_no_grading_there(asked, monkeypatch):
    monkeypatch.setattr(cluster, "why_not", lambda: "bubblewrap is missing.")
    with pytest.raises(Refused, match="bubblewrap is missing"):
        admit(*asked)


def test_code_that_was_changed_since_is_noticed(asked, tiny):
    checks = tiny / "checks" / "test_tiny.py"
    before = checks.read_text()
    checks.write_text(before + "\n# changed\n")
    try:
        with pytest.raises(Refused, match="changed since the worker started: restart"):
            admit(*asked)
    finally:
        checks.write_text(before)


def test_a_submission_with_another_key_is_not_graded(course, submit):
    submit(course, "ada")
    with pytest.raises(Refused, match="mount the same folder and install the same"):
        grade_one(str(course), "tiny", "ada", "0" * 32, False, False)
    assert not results(course)


def test_one_thread_grades_whatever_number_ask(course, submit, monkeypatch):
    seen, inside = set(), []

    def grade(self, name, student, sandbox, *, force=False):
        inside.append(student)
        assert len(inside) == 1
        seen.add((threading.get_ident(), id(sandbox)))
        time.sleep(0.05)
        inside.remove(student)

    monkeypatch.setattr(Course, "grade", grade)
    place = Course(course)
    orders = []
    for i in range(8):
        submit(course, f"s{i}")
        key = place.key("tiny", f"s{i}")
        orders.append((str(course), "tiny", f"s{i}", key, False, False))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda order: grade_one(*order), orders))
    assert len(seen) == 1


def test_a_broken_grading_is_tried_once_more(course, submit):
    submit(course, "ada")
    losses = Losses(Course(course), "tiny")
    assert losses.add("ada", "lost") is None
    key = losses.add("ada", "lost again")
    kept = Course(course).read("tiny", "ada", key)
    assert (kept.state, kept.reason) == (State.GRADER_ERROR, "lost again")


# --- TLS ------------------------------------------------------------------------------


@pytest.fixture
def certificates(tmp_path):
    """A certificate authority and one certificate, made as the guide says."""
    page = Path(__file__).parents[2] / "book" / "instructors" / "scale.md"
    lines = [
        line.removeprefix("$ ")
        for line in page.read_text().splitlines()
        if line.startswith("$ openssl")
    ]
    for line in lines:
        subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_tls_needs_certificates_on_both_sides(
    course, submit, start, certificates, monkeypatch
):
    submit(course, "ada")
    port = free_port()
    address = f"tls://127.0.0.1:{port}"
    files = {"ca-file": "ca.pem", "cert": "grader.pem", "key": "grader.key"}
    flags = [w for k, v in files.items() for w in (f"--tls-{k}", f"{certificates}/{v}")]
    start(
        *("scheduler", "--protocol", "tls", "--host", "127.0.0.1"),
        *("--port", str(port), *flags),
    )
    start("worker", address, "--nthreads", "1", "--no-nanny", *flags)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 3.0)
    with pytest.raises(ClusterError, match=r"distributed\.comm\.tls"):
        grade_all(Course(course), "tiny", scheduler=address)
    variables = {
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": f"{certificates}/ca.pem",
        "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": f"{certificates}/grader.pem",
        "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY": f"{certificates}/grader.key",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    running = grading(course, "--scheduler", address)
    said, complaint = running.communicate(timeout=100)
    assert (running.returncode, said.count("5 / 5")) == (0, 1), complaint
