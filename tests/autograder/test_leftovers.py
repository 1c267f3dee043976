"""What a run leaves behind, what it costs the trusted side, and how Ctrl-C ends it."""

import glob
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("leftovers")]

HOSTILE = Path(__file__).parent / "hostile"
GRADE = (sys.executable, "-m", "autograder", "grade", "tiny", "--jobs", "2", "--course")
STAYING = (
    "leaves_a_process_behind leaves_sockets_behind leaves_files_behind "
    "leaves_threads_behind leaves_the_wire_to_a_child fork_bomb stops_itself"
).split()
LARGE = (
    "prints_without_end prints_a_giant_line memory_bomb wire_flood wire_giant_lengths "
    "wire_a_million_tensors wire_one_tensor_many_times wire_observation_is_a_tensor "
    "returns_a_giant raises_with_a_giant_text returns_a_million_items"
).split()


def state_of_the_machine():
    """What a student could have left: mounts, control groups, sockets with names."""
    return {
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "groups": sorted(
            p.name for p in Path("/sys/fs/cgroup").rglob("autograder-*-*") if _ours(p)
        ),
        "sockets": "left-behind" in Path("/proc/net/unix").read_text(),
    }


def _ours(folder):
    return not Path("/proc", folder.name.split("-")[1]).exists()


def _of(folder, pids):
    return int(folder.name.split("-")[1]) in pids


def descendants(pid):
    """Every living process below one."""
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        for path in glob.glob(f"/proc/{parent}/task/*/children"):
            try:  # `Path.glob` would raise where a process ends under its eyes
                todo += (below := [int(n) for n in Path(path).read_text().split()])
            except OSError:
                continue
            found += below
    return found


def gone(pids, seconds=60.0):
    """Wait until none of them lives; return those that still do."""
    until = time.monotonic() + seconds
    while left := [p for p in pids if _lives(p)]:
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    return left


def _lives(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_nothing_is_left_after_a_run(course, tiny, submit, tmp_path):
    for name in STAYING:
        submit(course, name, {"double": (HOSTILE / f"{name}.py").read_text()})
    submit(course, "eve\x1b[2J<b>")  # a name is what a folder is called
    before = state_of_the_machine()
    (temporary := tmp_path / "tmp").mkdir()
    printed, seen = tmp_path / "printed", set()
    with (
        printed.open("w") as paper,
        subprocess.Popen(
            [*GRADE, str(course)],
            stdout=paper,
            env={**os.environ, "TMPDIR": str(temporary)},
        ) as running,
    ):
        while running.poll() is None:
            seen.update(descendants(running.pid))
            time.sleep(0.1)
    assert running.returncode == 0
    assert len(seen) > 5  # workers, sandboxes and rooms were really looked at
    assert gone(seen) == []
    after = state_of_the_machine()
    assert set(after.pop("groups")) <= set(before.pop("groups"))
    assert after == before
    assert list(temporary.iterdir()) == []
    said = printed.read_text()
    assert "eve[2J<b>" in said
    assert "\x1b" not in said


MEASURE = """\
import json, resource, sys
from pathlib import Path
from autograder import grading
from autograder.assignment import load
from autograder.sandbox import Sandbox
from autograder.student import Budget
from autograder.submission import Submission

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

def grade(source):
    total = "def total(X): return X.sum()"
    kept = Submission(answers={"double": source, "total": total})
    grading.grade(kept, task, sandbox, budget=Budget(total=8, call=2, load=3))

task, grown = load("tiny"), {}
with Sandbox() as sandbox:
    grade("def double(X):\\n    return 2 * X")
    for name in sys.argv[2:]:
        before = peak()
        grade(Path(sys.argv[1], name + ".py").read_text())
        grown[name] = peak() - before
print(json.dumps(grown))
"""


def test_no_attack_lets_the_trusted_side_grow_by_100_mb(tiny):
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(HOSTILE), *LARGE],
        capture_output=True,
        text=True,
        check=True,
    )
    grown = json.loads(done.stdout.splitlines()[-1])
    assert set(grown) == set(LARGE)
    assert sum(grown.values()) < 100, grown


READ = """\
import resource, sys
from pathlib import Path
from autograder import submission
from autograder.assignment import load
task = load("tiny")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in (
    b'{"nbformat": 4, "cells": [' + b"[]," * 3_000_000 + b"[]]}",
    b'{"nbformat": 4, "cells": [' + b"{}," * 130_000 + b"{}]}",
    b'{"nbformat": 4, "cells": [], "x": "' + b"a" * 9_000_000 + b'"}',
):
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        submission.rebuild(submission.parse_notebook(data), task)
    except submission.Unreadable:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_no_notebook_lets_the_reader_grow_by_100_mb(tiny):
    done = subprocess.run(
        [sys.executable, "-c", READ], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100


SLOW = "import time\ntime.sleep(0.5)\n\ndef double(X):\n    return 2 * X  # {}"


def test_ctrl_c_ends_every_process_and_says_what_is_left(course, tiny, submit, run):
    for i in range(8):
        submit(course, f"student-{i}", {"double": SLOW.replace("{}", str(i))})
    # A shell's background job ignores Ctrl-C, and so do its children unless told.
    running = subprocess.Popen(
        ["env", "--default-signal=INT", *GRADE, str(course)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    results = course / ".autograder" / "results" / "tiny"
    until = time.monotonic() + 300
    while time.monotonic() < until and not list(results.glob("*/*/result.json")):
        time.sleep(0.1)
    below = descendants(running.pid)
    os.killpg(running.pid, signal.SIGINT)  # as the terminal does: to all of them
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "graded and kept," in said
    assert "left" in said
    assert "Traceback" not in said
    assert gone(below) == []
    assert not [
        p for p in Path("/sys/fs/cgroup").rglob("autograder-*-*") if _of(p, below)
    ]
    kept = len(list(results.glob("*/*/result.json")))
    assert 1 <= kept < 8
    done = run("autograder", "grade", "tiny", "--course", course, cwd=course)
    assert done.stdout.count("5 / 5") == 8


@pytest.mark.skipif(os.getuid() != 0, reason="this run is an ordinary user's already")
def test_attacks_have_the_same_outcome_as_an_ordinary_user(tmp_path):
    """A sample; ``make soak`` runs all of them so."""
    names = (
        "becomes_root makes_namespaces kills_everybody reads_secrets segfaults "
        "uses_vsock_and_netlink leaves_sockets_behind wire_flood is_a_pipe "
        "raises_its_own_limits looks_at_other_processes writes_outside"
    ).split()
    tests = Path(__file__).with_name("test_hostile.py")
    script = Path(__file__).with_name("as_user.py")
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, script, tmp_path, *pytest_, tests, "-k", " or ".join(names)],
        capture_output=True,
        text=True,
    )
    assert f"{len(names)} passed" in done.stdout, done.stdout + done.stderr
