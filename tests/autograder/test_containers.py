"""The container back end: its command line, and a real engine where there is one."""

import os
import shutil
import subprocess

import pytest
import torch

from autograder import containers, sandbox
from autograder.containers import Engine, configured, run_command
from autograder.sandbox import Limits, Sandbox, SandboxError, container_command
from autograder.student import Answers, Student, StudentExited, StudentRaised

LIMITS = Limits(memory=1 << 30, processes=32, disk=1 << 20, files=99, seconds=77)


@pytest.fixture
def words():
    return run_command(
        Engine(("docker",), "cnn:1"),
        "autograder-1-ab",
        LIMITS,
        [("/here/wire.py", "/host/autograder/wire.py")],
        {"HOME": "/tmp"},
        ["python3", "-c", "pass"],
    )


EXPECTED = [
    ("no network", ["--network", "none"]),
    ("its own shared memory", ["--ipc", "private"]),
    ("bounded shared memory", ["--shm-size", "1048576"]),
    ("an ordinary user", ["--user", "65534:65534"]),
    ("no capabilities", ["--cap-drop", "ALL"]),
    ("no new privileges", ["--security-opt", "no-new-privileges"]),
    ("a root that cannot be written", ["--read-only"]),
    ("bounded files", ["--tmpfs", "/tmp:rw,nosuid,nodev,size=1048576,mode=1777"]),
    ("bounded memory", ["--memory", "1073741824"]),
    ("no swap besides", ["--memory-swap", "1073741824"]),
    ("bounded processes", ["--pids-limit", "32"]),
    ("one processor", ["--cpus", "1"]),
    ("bounded open files", ["--ulimit", "nofile=99:99"]),
    ("bounded file size", ["--ulimit", "fsize=1048576:1048576"]),
    ("bounded computing", ["--ulimit", "cpu=77:77"]),
    ("no core files", ["--ulimit", "core=0:0"]),
    ("no log of the output", ["--log-driver", "none"]),
    ("nothing fetched", ["--pull", "never"]),
    ("nothing kept", ["--rm"]),
    ("a name that tells the owner", ["--name", "autograder-1-ab"]),
    (
        "files read-only",
        [
            "--mount",
            "type=bind,source=/here/wire.py,target=/host/autograder/wire.py,readonly",
        ],
    ),
]


@pytest.mark.parametrize(("what", "expected"), EXPECTED, ids=lambda v: str(v)[:24])
def test_the_command_line_asks_for(words, what, expected):
    size = len(expected)
    found = [words[i : i + size] for i in range(len(words))]
    assert expected in found, what
    assert words[:2] == ["docker", "run"]
    assert words[-4:] == ["cnn:1", "python3", "-c", "pass"]


def test_no_option_weakens_the_container(words):
    text = " ".join(words)
    for bad in ("--privileged", "--cap-add", "unconfined", "=host", "docker.sock"):
        assert bad not in text


def test_without_an_image_the_files_are_those_that_bubblewrap_mounts(tmp_path):
    words = container_command(Engine(("podman",)), "n", LIMITS, tmp_path)
    mounts = [w for w in words if w.startswith("type=bind")]
    targets = {m.split(",")[2].removeprefix("target=") for m in mounts}
    bound = sandbox._bubblewrap()
    expected = {bound[i + 2] for i, w in enumerate(bound) if w == "--ro-bind"}
    assert expected <= targets
    assert all(m.endswith(",readonly") for m in mounts)
    assert containers.EMPTY in words


def test_with_an_image_only_our_own_files_are_mounted(tmp_path):
    words = container_command(Engine(("docker",), "cnn:1"), "n", LIMITS, tmp_path)
    mounts = [w for w in words if w.startswith("type=bind")]
    assert len(mounts) == len(sandbox.HOST_FILES)
    assert not any(w.startswith("PATH=") for w in words)


def test_a_path_with_a_comma_is_refused():
    with pytest.raises(ValueError, match="cannot be given a path with a comma"):
        containers._mount("/a,readonly=false", "/b")


CONFIGURED = [
    ({}, None),
    ({"AUTOGRADER_CONTAINER": ""}, None),
    ({"AUTOGRADER_CONTAINER": "docker"}, Engine(("docker",))),
    (
        {"AUTOGRADER_CONTAINER": "podman --runtime runc", "AUTOGRADER_IMAGE": "cnn"},
        Engine(("podman", "--runtime", "runc"), "cnn"),
    ),
]


@pytest.mark.parametrize(("environment", "engine"), CONFIGURED, ids=str)
def test_the_environment_names_the_engine(environment, engine):
    assert configured(environment) == engine


def test_an_engine_that_is_not_there_is_named(monkeypatch):
    with pytest.raises(SandboxError, match="there is no container engine no-such"):
        Sandbox(engine=Engine(("no-such-engine",)))
    monkeypatch.setenv(containers.ENGINE, "no-such-engine")
    finding = sandbox._container_finding(configured())
    assert (finding.ok, finding.remedy) == (False, "There is no no-such-engine.")


def test_bubblewrap_goes_first_then_the_engine_then_nothing(monkeypatch):
    monkeypatch.setattr(Sandbox, "_prepare", lambda self, engine: None)
    monkeypatch.setenv(containers.ENGINE, "podman")
    monkeypatch.setattr(sandbox, "_ingredients", lambda: [])
    monkeypatch.setattr(sandbox, "_without_bubblewrap", lambda: "")
    assert Sandbox().engine is None
    monkeypatch.setattr(sandbox, "_without_bubblewrap", lambda: "no namespaces")
    assert Sandbox().engine == Engine(("podman",))
    missing = [sandbox.Finding("bubblewrap", False, "install it")]
    monkeypatch.setattr(sandbox, "_ingredients", lambda: missing)
    assert Sandbox().engine == Engine(("podman",))
    assert Sandbox(trusted=True).engine is None
    monkeypatch.delenv(containers.ENGINE)
    with pytest.raises(
        SandboxError, match=r"bubblewrap: install it.*trust-submissions"
    ):
        Sandbox()


def test_doctor_needs_bubblewrap_only_where_no_container_runs(monkeypatch):
    missing = [sandbox.Finding("bubblewrap", False, "install it")]
    monkeypatch.setattr(sandbox, "_ingredients", lambda: missing)
    for ok in (False, True):
        container = sandbox.Finding("container", ok, needed=False)
        monkeypatch.setattr(sandbox, "_container_finding", lambda _, c=container: c)
        assert [f.needed for f in sandbox.findings()] == [not ok, False]


# --- for real -------------------------------------------------------------------------

TRIAL = (
    "run --rm --network none --memory 64m --pids-limit 16 --pull never --read-only "
    "--user 65534:65534 --ulimit nofile=99:99 --ulimit nproc=4096:4096"
).split()


@pytest.fixture(scope="module")
def engine():
    """An engine that can run a container with limits, under one of its runtimes."""
    for words in (
        *(("podman", "--runtime", r) for r in ("crun", "runc")),
        ("docker",),
    ):
        candidate = Engine(words)
        if not candidate.found or (len(words) > 1 and not shutil.which(words[-1])):
            continue
        if containers.prepare(candidate):
            continue
        tried = subprocess.run(
            [*words, *TRIAL, containers.EMPTY, "/no-such-program"],
            capture_output=True,
            check=False,
        )
        if tried.returncode == 127:  # the container was there, the program was not
            return candidate
    pytest.skip("no engine (Podman or Docker) can run a container with limits here")


ANSWER = """
import os
import torch

def double(X):
    open('/tmp/mine', 'w').close()
    return 2 * X

def look():
    status = open('/proc/self/status').read()
    return [os.path.exists('/tmp/mine'), os.getuid(), os.getpid(),
            'CapEff:\\t0000000000000000' in status, 'NoNewPrivs:\\t1' in status,
            'Seccomp:\\t2' in status, os.path.exists('/root'),
            [line.split(':')[0].strip() for line in open('/proc/net/dev')][2:]]

def die():
    os._exit(3)

def hoard():
    return len(bytearray(4 << 30))

def write():
    open('/usr/mine', 'w')
"""


def test_rooms_in_containers_keep_the_same_promises(engine):
    """One test, because each room is the start of a container and of torch in it."""
    answers = Answers([{"id": "double", "source": ANSWER}], {"double": ANSWER})
    with Sandbox(engine=engine) as made:
        proxy = Student(made, answers, call_seconds=60.0)
        assert torch.equal(proxy.call("double", torch.ones(2)), torch.full((2,), 2.0))
        with pytest.raises(StudentRaised, match="MemoryError"):
            proxy.call("hoard")
        with pytest.raises(StudentRaised, match="Read-only file system"):
            proxy.call("write")
        with pytest.raises(StudentExited, match="The process ended during: die"):
            proxy.call("die")
        second = proxy.call("look", returns=list)
        assert second == [False, 65534, 1, True, True, True, False, ["lo"]]
        proxy.close()
    listed = subprocess.run(
        [*engine.command, "ps", "--all", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"autograder-{os.getpid()}-" not in listed.stdout


def test_containers_that_a_killed_grader_left_are_swept(engine):
    name = "autograder-999999999-ab"
    command = [*engine.command, "create", "--name", name, "--label", "autograder"]
    subprocess.run(
        [*command, "--pull", "never", containers.EMPTY, "/nothing"],
        check=True,
        capture_output=True,
    )
    containers.sweep(engine)
    left = [*engine.command, "ps", "--all", "--format", "{{.Names}}"]
    assert name not in subprocess.run(left, capture_output=True, text=True).stdout
