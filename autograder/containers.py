"""Rooms in containers of Docker or Podman, for machines where bubblewrap cannot run.

One container is one room: nothing is shared, nothing is forked, and the price is the
start of an interpreter for each check. The next one is therefore started while the
present one is at work. What is inside is what bubblewrap would put there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import tarfile
import tempfile
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

ENGINE, IMAGE = "AUTOGRADER_CONTAINER", "AUTOGRADER_IMAGE"
EMPTY = (
    "autograder-empty:2"  # an image of folders only: all files come from this machine
)
USER = 65534  # nobody
PATIENCE = 60.0


@dataclass(frozen=True)
class Engine:
    """A container engine: its command, and an image of the course's libraries.

    Without an image, Python and the libraries of this machine are mounted read-only,
    as bubblewrap does.
    """

    command: tuple[str, ...]
    image: str = ""

    @property
    def found(self) -> bool:
        """Whether the command exists."""
        return bool(self.command) and shutil.which(self.command[0]) is not None


def configured(environment: Mapping[str, str] = os.environ) -> Engine | None:
    """Return the engine that the environment names, if any.

    >>> configured({"AUTOGRADER_CONTAINER": "podman --runtime runc"}).command
    ('podman', '--runtime', 'runc')
    >>> configured({}) is None
    True
    """
    words = shlex.split(environment.get(ENGINE, ""))
    return Engine(tuple(words), environment.get(IMAGE, "")) if words else None


# --- the command line -----------------------------------------------------------------


def run_command(
    engine: Engine,
    name: str,
    limits: Any,
    mounts: Sequence[tuple[str, str]],
    environment: Mapping[str, str],
    program: Sequence[str],
) -> list[str]:
    """Return the command that runs one room in a container.

    Parameters
    ----------
    limits : Limits
        As for every room.
    mounts : sequence of (path here, path there)
        Read-only.
    program : sequence of str
        What runs in it.
    """
    return [
        *engine.command,
        *("run", "--rm", "--interactive", "--name", name, "--label", "autograder"),
        *("--pull", "never", "--log-driver", "none", "--hostname", "sandbox"),
        *("--network", "none", "--ipc", "private"),
        *("--user", f"{USER}:{USER}", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges"),
        "--read-only",
        *("--tmpfs", f"/tmp:{_tmpfs(limits.disk)}", "--shm-size", str(limits.disk)),
        *("--memory", str(limits.memory), "--memory-swap", str(limits.memory)),
        *("--pids-limit", str(limits.processes), "--cpus", "1"),
        *_ulimit("nofile", limits.files),
        *_ulimit("fsize", limits.disk),
        *_ulimit("cpu", limits.seconds),
        *_ulimit("nproc", 4096),  # of the user everywhere; the pids limit is the room's
        *_ulimit("core", 0),
        *(w for m in mounts for w in ("--mount", _mount(*m))),
        *(w for k, v in environment.items() for w in ("--env", f"{k}={v}")),
        *("--workdir", "/tmp"),
        engine.image or EMPTY,
        *program,
    ]


def _tmpfs(size: int) -> str:
    return f"rw,nosuid,nodev,size={size},mode=1777"


def _ulimit(name: str, value: int) -> tuple[str, str]:
    return "--ulimit", f"{name}={value}:{value}"


def _mount(source: str, target: str) -> str:
    for path in (source, target):
        if "," in path or '"' in path:
            raise ValueError(f"a container cannot be given a path with a comma: {path}")
    return f"type=bind,source={source},target={target},readonly"


# --- running --------------------------------------------------------------------------


class Container:
    """A running container, its room's end of the wire, and its death."""

    def __init__(self, engine: Engine, command: Sequence[str], name: str):
        self.engine, self.name = engine, name
        self.socket, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()
        with theirs:
            self._client = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors,
                start_new_session=True,
            )

    def end(self, patience: float = 0.0) -> int:
        """Kill it; return how it had ended before, as ``Room.close`` does."""
        try:
            code = self._client.wait(patience) if patience else self._client.poll()
        except subprocess.TimeoutExpired:
            code = None
        if code is None:
            self._kill()
            status = 0
        else:
            status = -(code - 128) if code > 128 else code + 1
        self.socket.close()
        self._errors.close()
        return status

    def words(self) -> str:
        """Return what the engine said."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-500:]

    def _kill(self) -> None:
        for _ in range(10):  # it may still be on its way into being
            _quietly([*self.engine.command, "kill", self.name])
            try:
                self._client.wait(PATIENCE / 10)
                return
            except subprocess.TimeoutExpired:
                continue
        remove(self.engine, [self.name])
        self._client.kill()
        self._client.wait()


def remove(engine: Engine, names: Sequence[str]) -> None:
    """Kill and remove containers, whether or not they are there."""
    if names:
        _quietly([*engine.command, "rm", "--force", *names])


def _quietly(command: Sequence[str]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)


def new_name() -> str:
    """Return a name that tells who has started the container."""
    return f"autograder-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def sweep(engine: Engine) -> None:
    """Remove what graders that were killed have left; the owner is in the name."""
    command = [*engine.command, "ps", "--all", "--filter", "label=autograder"]
    command += ["--format", "{{.Names}}"]
    listed = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    owners = {name: name.split("-")[1] for name in listed.stdout.split() if "-" in name}
    remove(engine, [n for n, pid in owners.items() if not Path("/proc", pid).exists()])


def prepare(engine: Engine) -> str:
    """Make the empty image if it is wanted; return why that failed, or nothing."""
    if engine.image:
        return ""
    known = [*engine.command, "image", "inspect", EMPTY]
    if subprocess.run(known, capture_output=True, check=False).returncode == 0:
        return ""
    made = subprocess.run(
        [*engine.command, "import", "-", EMPTY],
        input=_empty_image(),
        capture_output=True,
        check=False,
    )
    return "" if made.returncode == 0 else made.stderr.decode(errors="replace")[-300:]


def _empty_image() -> bytes:
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in "dev etc host proc python run site sys tmp usr".split():
            folder = tarfile.TarInfo(name)
            # Podman copies the image's folder, mode and all, over a fresh tmpfs.
            folder.type = tarfile.DIRTYPE
            folder.mode = 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        for name in ("lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
    return file.getvalue()


def settings(limits: Any) -> str:
    """Return what the room in a container is told, as one word."""
    from autograder import seccomp

    told = {
        "isolation": "container",
        "seccomp": b64encode(seccomp.program()).decode(),
        **asdict(limits),
    }
    return json.dumps(told)
