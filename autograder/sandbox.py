"""The only file that starts student processes, and what this machine can isolate.

A :class:`Sandbox` is one bubblewrap container around the zygote of ``autograder.host``:
no network, an allow-list of read-only files, an empty environment. Each
:class:`Room` is a process forked inside it, with namespaces of its own, for one check.
If any part of that cannot be had, nothing runs.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import IO, Any

from autograder import cgroups, containers
from autograder.containers import Container, Engine
from autograder.wire import ANSWER, CLOSE, OPEN, ORDER, Channel, WireError

GIB, MIB = 1 << 30, 1 << 20

#: distributions that student code may import, with all that they require
LIBRARIES = (
    "torch torchvision numpy safetensors matplotlib jaxtyping "
    "ipython ipykernel ipywidgets anywidget"
).split()
DATASET = Path("/usr/share/datasets/fashion-mnist")
START_SECONDS = 120.0
DEVICES = ("null", "zero", "full", "random", "urandom")  # no terminal among them
PLACES = (
    "/run /site /host /host/autograder /python /python/bin /python/lib "
    "/etc /usr /usr/lib /usr/share /usr/share/datasets"
).split()


class SandboxError(Exception):
    """The sandbox could not be built or broke: never the student's fault."""


@dataclass(frozen=True)
class Limits:
    """What one room may use; bytes, counts and seconds."""

    memory: int = 2 * GIB
    libraries: int = 0  # address space for libraries that are loaded later
    processes: int = 64
    disk: int = 64 * MIB
    files: int = 256
    seconds: int = 120


@dataclass(frozen=True)
class Finding:
    """One thing that a safe run needs, whether it is there, and how to get it."""

    what: str
    ok: bool
    remedy: str = ""
    needed: bool = True  # without the others, grading refuses


# --- what this machine can do ---------------------------------------------------------


def findings() -> list[Finding]:
    """Everything the sandbox needs; at last a trial run, if all else is there."""
    found = _ingredients()
    if all(f.ok for f in found):
        found += [_namespace_finding(), _cgroup_finding()]
    container = _container_finding(containers.configured())
    if container.ok:  # then nothing of the above has to be
        found = [replace(f, needed=False) for f in found]
    return [*found, container]


def _container_finding(engine: Engine | None) -> Finding:
    """Try the container engine that is configured: used where bubblewrap is not."""
    what = "container engine, where bubblewrap is not usable"
    if engine is None:
        remedy = (
            "Not configured. If bubblewrap cannot be had, install Podman or Docker "
            f"and set {containers.ENGINE}=podman (or docker)."
        )
        return Finding(what, False, remedy, needed=False)
    what = f"{what} ({' '.join(engine.command)})"
    if not engine.found:
        return Finding(what, False, f"There is no {engine.command[0]}.", needed=False)
    try:
        with Sandbox(engine=engine) as sandbox:
            sandbox.room().close()
    except (SandboxError, OSError, subprocess.SubprocessError) as error:
        return Finding(what, False, str(error), needed=False)
    return Finding(what, True, needed=False)


def _ingredients() -> list[Finding]:
    return [
        Finding(
            "Linux",
            sys.platform == "linux",
            "Grade inside a Linux machine, virtual machine or container.",
        ),
        Finding(
            "bubblewrap (bwrap)",
            shutil.which("bwrap") is not None,
            "Install the package bubblewrap.",
        ),
        _seccomp_finding(),
    ]


def _seccomp_finding() -> Finding:
    remedy = "Install the package libseccomp2 and the Python package pyseccomp."
    try:
        from autograder.seccomp import program

        return Finding("system call filter (libseccomp)", bool(program()), remedy)
    except Exception as error:
        return Finding("system call filter (libseccomp)", False, f"{remedy} ({error})")


def _namespace_finding() -> Finding:
    what = "namespaces, mounts and limits (one trial run)"
    command = [*_bubblewrap(), *_python_in_sandbox(), "-c", "print('ready')"]
    try:
        trial = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(what, False, str(error))
    if trial.stdout == "ready\n":
        return Finding(what, True)
    reason = trial.stderr.strip()[-300:]
    return Finding(what, False, f"{reason}. {_namespace_remedy(reason)}")


def _cgroup_finding() -> Finding:
    group = cgroups.make(GIB, 16)
    if group:
        group.remove()
    return Finding(
        "one memory limit for all processes together (control group)",
        group is not None,
        "Each process is limited instead. Run as root, or in a delegated group: "
        "systemd-run --user --scope -p Delegate=yes …",
        needed=False,
    )


def _namespace_remedy(reason: str) -> str:
    apparmor = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if apparmor.exists() and apparmor.read_text().strip() == "1":
        return (
            "AppArmor forbids unprivileged user namespaces here: install a profile "
            "for bwrap (Ubuntu: package apparmor-profiles), or grade as root."
        )
    if Path("/.dockerenv").exists() or os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "A container needs the right to create namespaces, or grade outside it."
    return "Unprivileged user namespaces are switched off here, or grade as root."


def why_not() -> str:
    """Return why nothing can be run safely here; empty when it can."""
    reason = _without_bubblewrap()
    if not reason:
        return ""
    container = _container_finding(containers.configured())
    return "" if container.ok else f"{reason}; {container.what}: {container.remedy}"


@cache
def _without_bubblewrap() -> str:
    """Return why bubblewrap is not usable here; empty when it is."""
    found = _ingredients()
    if all(f.ok for f in found):
        found.append(_namespace_finding())
    return _listed(found)


def _listed(found: Iterable[Finding]) -> str:
    return "; ".join(f"{f.what}: {f.remedy}" for f in found if f.needed and not f.ok)


REFUSAL = (
    "Submissions cannot be isolated on this machine: {} "
    "(Or state that you trust them: --trust-submissions.)"
)


# --- what is inside -------------------------------------------------------------------


def _bubblewrap(*more: str) -> list[str]:
    """Describe the container: what is not named here does not exist in it."""
    root = os.getuid() == 0
    # Root needs no user namespace: its rooms change to a user that owns nothing.
    users = [] if root else ["--unshare-user"]
    keep = ("SETUID", "SETGID", "KILL") if root else ("SYS_RESOURCE",)
    return [
        *("bwrap", *users, "--unshare-pid", "--unshare-net", "--unshare-ipc"),
        *("--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *(
            word
            for name in ("SYS_ADMIN", *keep)
            for word in ("--cap-add", f"CAP_{name}")
        ),
        *("--clearenv", *_environment()),
        *("--proc", "/proc", "--tmpfs", "/dev", "--dir", "/dev/shm"),
        *(
            w
            for name in DEVICES
            for w in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")
        ),
        *("--symlink", "/proc/self/fd", "/dev/fd"),
        # Named, because a parent made on the way to a file is closed to others.
        *(w for place in PLACES for w in ("--dir", place)),
        *_system_files(),
        *_libraries(),
        *_own_files(),
        *more,
        *("--size", str(MIB), "--tmpfs", "/tmp"),  # the zygote's; rooms cover it
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"),
        "--",
    ]


def _environment() -> Iterator[str]:
    for name, value in {
        "HOME": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "PATH": "/python/bin",
        "LD_LIBRARY_PATH": "/python/lib",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        **THREADS,
    }.items():
        yield from ("--setenv", name, value)


#: must be set before numpy and torch are imported, or a fork of them may hang
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def _system_files() -> Iterator[str]:
    """Mount the C library and the interpreter, without its site-packages."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    system = Path("/usr/lib") / multiarch
    yield from _read_only(system if multiarch and system.is_dir() else Path("/usr/lib"))
    yield from _read_only(Path("/usr/lib64"))
    for name in ("lib", "lib64"):
        if Path("/", name).is_symlink():
            yield from ("--symlink", f"usr/{name}", f"/{name}")
        else:
            yield from _read_only(Path("/", name))
    yield from _read_only(Path("/etc/ld.so.cache"))
    yield from _read_only(DATASET)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    yield from _read_only(base / "bin" / version, f"/python/bin/{version}")
    yield from _read_only(base / "lib" / version, f"/python/lib/{version}")
    for name in ("site-packages", "dist-packages"):
        if (base / "lib" / version / name).is_dir():
            yield from ("--tmpfs", f"/python/lib/{version}/{name}")
    for library in sorted((base / "lib").glob("libpython*.so*")):
        yield from _read_only(library, f"/python/lib/{library.name}")


@cache
def _library_paths() -> tuple[Path, ...]:
    """Top-level files and folders of the libraries and everything they require."""
    from packaging.requirements import Requirement

    seen: set[str] = set()
    paths: set[Path] = set()
    todo = list(LIBRARIES)
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for file in found.files or ():
            if file.parts[0] not in ("..", "__pycache__") and file.suffix != ".pth":
                paths.add(Path(str(found.locate_file(file.parts[0]))))
        for line in found.requires or ():
            wish = Requirement(line)
            if wish.marker is None or wish.marker.evaluate({"extra": ""}):
                todo.append(wish.name)
    return tuple(sorted(p for p in paths if p.exists()))


def _libraries() -> Iterator[str]:
    for path in _library_paths():
        yield from _read_only(path, f"/site/{path.name}")
    course = util.find_spec("course_lib")
    if course and course.submodule_search_locations:
        yield from _read_only(
            Path(course.submodule_search_locations[0]), "/site/course_lib"
        )


HOST_FILES = tuple(
    f"{name}.py"
    for name in "__init__ execution host memory probes rehearsal wire".split()
)


def _own_files() -> Iterator[str]:
    """Mount the few files of this package that run inside, never a check."""
    here = Path(__file__).parent
    for name in HOST_FILES:
        yield from _read_only(here / name, f"/host/autograder/{name}")


def _read_only(path: Path, place: str = "") -> Iterable[str]:
    return ("--ro-bind", str(path), place or str(path)) if path.exists() else ()


def _python_in_sandbox() -> list[str]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [f"/python/bin/{version}", "-s", "-S", "-P"]


_START = (
    "import sys; sys.path += ['/site', '/host']; "
    "from autograder.host import main; main()"
)


# --- running --------------------------------------------------------------------------


class Sandbox:
    """A warm zygote in its container; ``room()`` forks a process for one check.

    Parameters
    ----------
    limits : Limits
        Of each room.
    trusted : bool
        Run without any isolation: the instructor vouches for the submissions.
    warm : bool
        Keep the zygote between rooms. Without, each room gets a fresh interpreter;
        the results are the same.
    optimizers : bool
        Import beforehand what PyTorch imports when the first optimiser is made. It
        takes a second; without, each room that makes one takes that second.
    engine : Engine, optional
        Make each room a container. By default the engine that is configured in the
        environment is used where bubblewrap is not usable.

    Raises
    ------
    SandboxError
        When the machine cannot isolate and ``trusted`` is not set.
    """

    def __init__(
        self,
        limits: Limits = Limits(),
        *,
        trusted: bool = False,
        warm: bool = True,
        optimizers: bool = True,
        engine: Engine | None = None,
    ):
        self.limits, self.trusted, self.warm = limits, trusted, warm
        self.optimizers = optimizers
        self.engine = engine
        self._spare: Container | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._rooms = 0
        self._errors: IO[bytes] | None = None
        self._group: cgroups.ControlGroup | None = None
        self._home: tempfile.TemporaryDirectory[str] | None = None
        if not trusted and engine is None:
            reason = _listed(_ingredients())
            configured = containers.configured()
            if configured and (reason or _without_bubblewrap()):
                self.engine = configured
            elif reason:
                raise SandboxError(REFUSAL.format(reason))
        if self.engine and not trusted:
            self._prepare(self.engine)

    def _prepare(self, engine: Engine) -> None:
        if not engine.found:
            raise SandboxError(f"there is no container engine {engine.command[0]}")
        containers.sweep(engine)
        if reason := containers.prepare(engine):
            raise SandboxError(f"no image for containers could be made: {reason}")

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def room(self) -> Room:
        """Fork a room; it is empty, isolated and has promised so."""
        if self.engine and not self.trusted:
            return self._container_room(self.engine)
        if not self.warm:
            self.close()
        if self._process is None or self._process.poll() is not None:
            self._start()
        ours, theirs = socket.socketpair()
        self._rooms += 1
        with theirs:
            self._order(OPEN, self._rooms, fds=[theirs.fileno()])
        return self._promised(Room(self, self._rooms, Channel(ours)), 30)

    def _container_room(self, engine: Engine) -> Room:
        """Take the container that waits, and let the next one start."""
        container = self._spare or self._container(engine)
        self._spare = self._container(engine)
        self._rooms += 1
        room = ContainerRoom(self, self._rooms, container)
        return self._promised(room, 2 * START_SECONDS)

    def _container(self, engine: Engine) -> Container:
        if self._home is None:
            self._home = tempfile.TemporaryDirectory(prefix="autograder-")
            os.chmod(self._home.name, 0o755)
        name, empty = containers.new_name(), Path(self._home.name)
        command = container_command(engine, name, self.limits, empty)
        return Container(engine, command, name)

    def _promised(self, room: Room, seconds: float) -> Room:
        """Return the room when it has promised that its door is shut."""
        try:
            promise, _ = room.channel.receive(time.monotonic() + seconds)
        except WireError as error:
            said = room.said()
            room.close()
            raise SandboxError(f"a room did not open: {said or error}") from None
        if not promise.get("ready"):
            room.close()
            raise SandboxError(f"a room is not isolated: {promise.get('broken')}")
        return room

    def close(self) -> None:
        """End the zygote and, with its namespace, every process in it."""
        if self._spare:
            self._spare.end()
            self._spare = None
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._group:
            self._group.remove()
            self._group = None
        if self._errors:
            self._errors.close()
            self._errors = None
        if self._home:
            self._home.cleanup()
            self._home = None

    def _start(self) -> None:
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = str(theirs.fileno())
        if self.trusted:
            self._home = tempfile.TemporaryDirectory(prefix="autograder-")
            command = [sys.executable, "-P", "-c", _START, number]
            environment = {**os.environ, **THREADS, "PYTHONHASHSEED": "0"}
        else:
            command = [*_bubblewrap(), *_python_in_sandbox(), "-c", _START, number]
            environment = {"PATH": os.environ.get("PATH", os.defpath)}
        if not self.trusted:
            # Room for the zygote, and for two rooms while one is being taken down.
            memory = self.limits.memory + 2 * GIB
            self._group = cgroups.make(memory, 2 * self.limits.processes + 16)
        self._errors = tempfile.TemporaryFile()  # of the zygote, never of a room
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=environment,
                start_new_session=True,
                preexec_fn=self._group.join if self._group else None,
            )
        self._control = ours
        try:
            ours.settimeout(START_SECONDS)
            told = {**self._settings(), "optimizers": self.optimizers}
            ours.send(json.dumps(told).encode())
            answer = json.loads(self._hear())
        except OSError as error:
            raise self._broken(f"it did not start ({error})") from None
        if answer.get("threads") != 1 and not self.trusted:
            self.warm = False  # a fork of several threads may hang

    def _settings(self) -> dict[str, Any]:
        if self.trusted:
            assert self._home
            return {"isolation": "none", "home": self._home.name, **asdict(self.limits)}
        return _room_settings(self.limits)

    def _order(
        self, kind: bytes, room: int, patience: float = 0.0, fds: Sequence[int] = ()
    ) -> int:
        """Let the zygote open or close a room; return the status of a closed one."""
        assert self._control
        try:
            self._control.settimeout(30)
            order = ORDER.pack(kind, room, patience)
            socket.send_fds(self._control, [order], list(fds))
            number, status = ANSWER.unpack(self._hear())
        except (OSError, struct.error) as error:
            raise self._broken(str(error)) from None
        if number != room:
            raise self._broken(f"it answered for room {number} instead of {room}")
        return int(status)

    def _hear(self) -> bytes:
        assert self._control
        text = self._control.recv(1 << 16)
        if not text:
            raise self._broken("it ended")
        return text

    def _broken(self, what: str) -> SandboxError:
        """End what is left of the zygote and say why, in its own words if any."""
        assert self._process
        assert self._errors
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip()[-800:]
        self.close()
        return SandboxError(f"the sandbox broke: {what}{': ' + text if text else ''}")


class Room:
    """One isolated process and the channel to it."""

    def __init__(self, sandbox: Sandbox, number: int, channel: Channel):
        self.sandbox, self.number, self.channel = sandbox, number, channel
        self.asked = 0  # requests so far, which number them
        self.status: int | None = None

    def said(self) -> str:
        """Return what was said besides the wire: nothing, here."""
        return ""

    def close(self, patience: float = 0.0) -> int:
        """Kill everything in the room, after ``patience`` seconds if it is ending.

        Returns how it had ended: 0 was still running, n + 1 had left with exit code
        n, -n was ended by signal n.
        """
        if self.status is None:
            self.status = 0
            self.channel.close()
            if self.sandbox._control:
                self.status = self.sandbox._order(CLOSE, self.number, patience)
        return self.status


class ContainerRoom(Room):
    """A room that is a container."""

    def __init__(self, sandbox: Sandbox, number: int, container: Container):
        super().__init__(sandbox, number, Channel(container.socket))
        self._container = container

    def said(self) -> str:
        """Return what the engine complained about."""
        return self._container.words()

    def close(self, patience: float = 0.0) -> int:
        """Kill the container; return how it had ended, as for every room."""
        if self.status is None:
            self.status = self._container.end(patience)
        return self.status


def container_command(
    engine: Engine, name: str, limits: Limits, empty: Path
) -> list[str]:
    """Return the command of a room in a container, from bubblewrap's allow-list.

    ``empty`` is a folder to cover others with: a tmpfs of Podman's starts as a copy.
    """
    mounts: list[tuple[str, str]] = []
    python = ["python3", "-s", "-P"]
    words = [*_own_files()]
    if not engine.image:
        python = _python_in_sandbox()
        words = [*_system_files(), *_libraries(), *words]
    while words:
        kind = words.pop(0)
        if kind == "--ro-bind":
            mounts.append((words.pop(0), words.pop(0)))
        elif kind == "--tmpfs":
            mounts.append((str(empty), words.pop(0)))
        else:  # links, which the empty image has
            del words[:2]
    flags = [*_environment()]
    environment = dict(zip(flags[1::3], flags[2::3], strict=True))
    if engine.image:
        del environment["PATH"], environment["LD_LIBRARY_PATH"]
    start = _START.replace("main", "container")
    program = [*python, "-c", start, containers.settings(limits)]
    return containers.run_command(engine, name, limits, mounts, environment, program)


def _room_settings(limits: Limits) -> dict[str, Any]:
    from autograder import seccomp

    return {
        "isolation": "rooms",
        "uid": _owner_of_nothing(),
        "seccomp": b64encode(seccomp.program()).decode(),
        **asdict(limits),
    }


def kernel_command(sockets: Path, connection: str) -> list[str]:
    """Return the command of a sandboxed Jupyter kernel, for the kernel provisioner.

    The kernel sees the folder ``sockets`` as ``/run/kernel``, the only place that it
    shares with the outside, and reads ``connection`` in it.
    """
    if reason := _listed(_ingredients()):
        raise SandboxError(REFUSAL.format(reason))
    share = ("--bind", str(sockets), "/run/kernel")
    start = _START.replace("main", "kernel")
    settings = json.dumps(_room_settings(Limits(libraries=8 * GIB)))
    return [
        *_bubblewrap(*share),
        *_python_in_sandbox(),
        *("-c", start, settings, f"/run/kernel/{connection}"),
    ]


def _owner_of_nothing() -> int:
    """As root: a user id that owns no file and runs nothing else; otherwise 0, none."""
    if os.getuid() != 0:
        return 0
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    mapped = [[int(n) for n in line.split()] for line in lines]
    everything = any(start == 0 and count > 3_000_000 for start, _, count in mapped)
    return 2_000_000 + os.getpid() % 1_000_000 if everything else 65534
