"""The function host: the program that runs inside the sandbox.

``main`` is a *zygote*: a single-threaded interpreter that holds torch and never runs
student code. For each request it forks a *room*, a process with its own process, mount
and IPC namespaces, private tmpfs, no privileges and no more system calls than it needs.
The room loads the student's cells and answers calls until it is killed. It holds no
checks, no expected values and no other student's data, so whatever the code in it does,
it can only change its own answers.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import json
import linecache
import os
import resource
import signal
import socket
import sys
import time
import traceback
import types
from _sitebuiltins import Quitter
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from autograder.memory import (
    fill_gaps,
    fill_pools,
    gather,
    gather_code,
    one_heap,
    renew,
    share_constants,
)
from autograder.wire import (
    ANSWER,
    OPEN,
    ORDER,
    Channel,
    WireClosed,
    WireError,
    clean_text,
    pack,
    unpack,
)

# --- the zygote -----------------------------------------------------------------------


def main() -> None:
    """Serve requests for rooms on the control socket whose number is in argv."""
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(control.recv(1 << 16))
    if settings["isolation"] == "rooms" and not settings["uid"]:
        _forbid_user_namespaces()
    optimizers = settings["optimizers"]
    with one_heap():
        _warm_up(optimizers)
    share_constants()
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self") else 1
    door = Door(settings)
    if threads == 1:
        gather_code(lambda: _play(optimizers))
    gc.collect()
    renew([serve_orders, end_room, _is_crowded])
    fill_gaps()
    fill_pools()
    gc.freeze()
    gather()
    control.send(json.dumps({"ready": True, "threads": threads}).encode())
    serve_orders(control, door, threads == 1)


def _warm_up(optimizers: bool = False) -> None:
    """Import and use what every room needs, so that a fork finds it ready."""
    from autograder.rehearsal import rehearse

    rehearse(optimizers)


def _play(optimizers: bool) -> None:
    from autograder.rehearsal import play

    play(optimizers)


def serve_orders(control: socket.socket, door: Door, alone: bool) -> None:
    """Open and close rooms until nobody is there to order any.

    In few and plain words: whatever this touches after a fork is copied, too, and every
    huge page that it touches falls into small ones, which the next fork has to copy.
    """
    receive, send = control.recvmsg, control.send
    read_order, answer = ORDER.unpack, ANSWER.pack
    close, wait, at_once = os.close, os.waitpid, os.WNOHANG
    number_in, endian, nested = int.from_bytes, sys.byteorder, door.nested
    fork = _python.fork if alone else os.fork
    unshare: Any = _libc.unshare if nested else None
    return_to: Any = _libc.setns if nested else None
    space = CLONE_NEWPID
    rooms: dict[int, int] = {}  # room number -> process id
    dying: list[int] = []  # killed, and reaped later: it takes longer than a fork
    own = os.open("/proc/self/ns/pid", os.O_RDONLY) if nested else -1
    while True:
        text, given, _, _ = receive(16, 64)
        if not text:
            for pid in rooms.values():
                end_room(pid, 0)
            return
        while dying and wait(dying[0], at_once)[0]:
            del dying[0]
        kind, number, patience = read_order(text)
        status = 0
        if kind == OPEN:
            fd = number_in(given[0][2], endian)
            if nested and unshare(space) != 0:
                raise OSError("cannot unshare the process namespace")
            pid = fork()
            if pid == 0:
                try:
                    room(door, fd)
                finally:
                    os._exit(70)
            if pid < 0 or (nested and return_to(own, space) != 0):
                raise OSError("cannot fork, or return to the process namespace")
            close(fd)
            rooms[number] = pid
        else:
            pid = rooms.pop(number)
            crowded = _is_crowded(pid)
            status = end_room(pid, patience)
            if status == 0 and crowded:
                wait(pid, 0)  # until nothing of it counts against the next room
            elif status == 0:
                dying.append(pid)
        send(answer(number, status))


def end_room(pid: int, patience: float) -> int:
    """Kill a room, its process namespace with it; return how it had ended before."""
    until = time.monotonic() + patience
    done, status = os.waitpid(pid, os.WNOHANG)
    while done == 0 and time.monotonic() < until:
        time.sleep(0.005)
        done, status = os.waitpid(pid, os.WNOHANG)
    if done == 0:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:  # has not yet become the leader of its group
            os.kill(pid, signal.SIGKILL)
        return 0
    code = os.waitstatus_to_exitcode(status)
    return code if code < 0 else code + 1  # 0 means: was still running


def _is_crowded(pid: int) -> bool:
    """Tell whether a room has made processes or threads of its own."""
    try:
        file = os.open(f"/proc/{pid}/status", os.O_RDONLY)
        status = os.read(file, 1 << 13)
        os.close(file)
        file = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY)
        children = os.read(file, 1)
        os.close(file)
    except OSError:
        return True
    threads = status.partition(b"\nThreads:\t")[2].partition(b"\n")[0]
    return children != b"" or not threads or int(threads) > 4


# --- shutting the door ----------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_python = ctypes.PyDLL(None, use_errno=True)  # whose calls keep the interpreter's lock
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID = 0x00020000, 0x08000000, 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
NO_CAPABILITIES = (ctypes.c_uint32 * 6)()
OWN_CAPABILITIES = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread


def _must(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"cannot {what}")


def _forbid_user_namespaces() -> None:
    """Let the kernel refuse further user namespaces, whatever the filter says.

    ``bwrap --disable-userns`` would do the same, but leaves the process namespace to an
    owner that cannot give rooms one each. The limit is this namespace's own; as root
    there is none but the machine's, and rooms change to another user instead.
    """
    pid = os.fork()
    if pid == 0:  # in mounts of its own, because bubblewrap made /proc/sys read-only
        try:
            _must(_libc.unshare(CLONE_NEWNS), "unshare mounts")
            _must(_libc.mount(b"proc", b"/proc", b"proc", 0, None), "mount proc")
            with open("/proc/sys/user/max_user_namespaces", "w") as file:
                file.write("0")
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise OSError("cannot forbid further user namespaces")


class Door:
    """Everything that student code must not have, to be given up without a way back.

    What does not depend on the process is made beforehand, in the zygote: what is made
    in a room costs it a copy of each page of memory that it touches.
    """

    def __init__(self, settings: Mapping[str, Any]):
        self.isolation, self.disk = settings["isolation"], settings["disk"]
        self.nested = self.isolation == "rooms"
        self.home, self.user = settings.get("home", "/"), settings.get("uid")
        self.limits = tuple(_limits(settings))
        if self.isolation != "none":
            self.filter = _Program.of(b64decode(settings["seccomp"]))

    def shut(self) -> None:
        """Shut it behind this process."""
        if self.isolation == "rooms":
            _own_mounts(self.disk)
        elif self.isolation == "none":
            os.chdir(self.home)
        for kind, value in self.limits:
            resource.setrlimit(kind, (value, value))
        _die_first()
        if self.user:
            os.setgroups([])
            os.setresgid(self.user, self.user, self.user)
            os.setresuid(self.user, self.user, self.user)
        if self.isolation != "none":
            _must(_libc.capset(OWN_CAPABILITIES, NO_CAPABILITIES), "drop capabilities")
            _must(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges")
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
            shut = _libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(self.filter), 0, 0)
            _must(shut, "filter system calls")


def kernel() -> None:
    """Become a Jupyter kernel behind a shut door; settings and files are in argv."""
    settings, connection = json.loads(sys.argv[1]), sys.argv[2]
    if not settings["uid"]:
        _forbid_user_namespaces()
    Door(settings).shut()
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance(argv=["-f", connection, "--HistoryManager.enabled=False"])


def _own_mounts(disk: int) -> None:
    # A network of each room's own: in a shared one a port that was just closed, or a
    # counter in /proc/net, would tell the next room about this one.
    spaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET
    _must(_libc.unshare(spaces), "unshare mounts, IPC and network")
    _must(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "detach mounts")
    safe = MS_NOSUID | MS_NODEV
    options = f"size={disk},nr_inodes=20000,mode=1777".encode()
    for place in (b"/tmp", b"/dev/shm"):
        _must(_libc.mount(b"tmpfs", place, b"tmpfs", safe, options), "mount a tmpfs")
    _must(_libc.mount(b"proc", b"/proc", b"proc", safe | MS_NOEXEC, None), "mount proc")
    os.chdir("/tmp")


def _limits(settings: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Kinds and values of limits, beyond what this process has already."""
    mapped, own = _memory_in_use()
    for name, value in (
        ("AS", mapped + settings["memory"] + settings["libraries"]),
        ("DATA", own + settings["memory"]),
        ("NPROC", settings["processes"]),
        ("FSIZE", settings["disk"]),
        ("NOFILE", settings["files"]),
        ("CPU", settings["seconds"]),
        ("CORE", 0),
        ("MSGQUEUE", 0),
        ("MEMLOCK", 0),
    ):
        kind = getattr(resource, f"RLIMIT_{name}", None)
        # Counted for the user, who is not the room's own without rooms.
        if kind is None or (name == "NPROC" and settings["isolation"] != "rooms"):
            continue
        hard = resource.getrlimit(kind)[1]
        yield kind, value if hard == resource.RLIM_INFINITY else min(value, hard)


def _die_first() -> None:
    """When the group runs out of memory, let a room end and not the zygote."""
    try:
        file = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return
    try:
        os.write(file, b"1000")
    except OSError:
        pass
    finally:
        os.close(file)


def _memory_in_use() -> tuple[int, int]:
    """Bytes of address space, most of it torch's libraries, and of own data in it."""
    try:
        with open("/proc/self/statm") as file:
            pages = [int(n) for n in file.read().split()]
    except OSError:
        return 1 << 33, 1 << 33
    return pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize()


class _Program(ctypes.Structure):
    """A filter of system calls, as the kernel wants it."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    @classmethod
    def of(cls, program: bytes) -> _Program:
        """Wrap a program in bytes, which lives as long as this does."""
        code = ctypes.create_string_buffer(program, len(program))
        made = cls(len(program) // 8, ctypes.addressof(code))
        made.code = code
        return made


# --- a room ---------------------------------------------------------------------------


def room(door: Door, fd: int) -> None:
    """Become a room: shut the door, load the cells, answer until the end."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(quiet, standard)
    os.dup2(fd, 3)
    os.closerange(4, 1024)
    os.setsid()
    serve(door, Channel(socket.socket(fileno=3)))


class Pipes:
    """Two pipes that look like a socket, as far as a channel needs one."""

    def __init__(self, reading: int, writing: int):
        self.reading, self.writing = reading, writing

    def recv(self, size: int) -> bytes:
        """Read what is there."""
        return os.read(self.reading, size)

    def send(self, data: memoryview) -> int:
        """Write what fits."""
        return os.write(self.writing, data)

    def settimeout(self, seconds: float | None) -> None:
        """Ignore it: a room waits as long as it lives."""

    def close(self) -> None:
        """Close both."""
        os.close(self.reading)
        os.close(self.writing)


def container() -> None:
    """Be the only room of a container, talking over stdin and stdout."""
    settings = json.loads(sys.argv[1])
    _warm_up()
    reading, writing = os.dup(0), os.dup(1)
    quiet = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(quiet, standard)
    pipes: Any = Pipes(reading, writing)
    serve(Door(settings), Channel(pipes))


def serve(door: Door, channel: Channel) -> None:
    """Shut the door, say so, and answer until the other end is gone."""
    try:
        door.shut()
    except BaseException as error:  # then no student code may run
        channel.send({"broken": clean_text(error, 200)})
        return
    channel.send({"ready": True})
    gc.enable()
    desk = Desk()
    while True:
        try:
            request, payload = channel.receive()
        except WireClosed:
            os._exit(0)
        if request["do"] == "load":
            desk = Desk()  # names and objects of an earlier case are not found again
        header, data = desk.answer(request, payload)
        header["id"] = request["id"]
        channel.send(header, data)


class Desk:
    """Answers requests: ``load`` first, then ``call``, ``observe``, ``new``, etc."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.objects: list[Any] = []
        self.errors: dict[str, dict[str, Any]] = {}
        self.notebook: Any = None

    def answer(
        self, request: Mapping[str, Any], payload: bytes
    ) -> tuple[dict[str, Any], bytes]:
        """Answer one request; nothing the student's code raises gets out of here."""
        try:
            self.events: list[list[Any]] = []
            value = getattr(self, f"do_{request['do']}")(request, payload)
            node, data = pack(value)
            return {"value": node, "events": self.events}, data
        except Missing as error:
            return {"missing": str(error), "cell": self.errors}, b""
        except WireError as error:
            return {"wire": clean_text(error, 200)}, b""
        except BaseException as error:
            return {"raised": describe(error)}, b""

    def do_load(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Run the cells one after the other, as a notebook would; note what failed."""
        sys.modules["__main__"] = self.module
        for name in ("exit", "quit"):  # as in every interpreter; here without site.py
            setattr(builtins, name, Quitter(name, ""))
        builtins.get_ipython = lambda: Magics(self.module)  # type: ignore[attr-defined]
        started = time.monotonic()
        for cell in request["cells"]:
            _settle(0)
            try:
                run_cell(cell["id"], cell["source"], self.module.__dict__)
            except BaseException as error:
                self.errors[cell["id"]] = describe(error)
        return {"errors": self.errors, "seconds": time.monotonic() - started}

    def do_run(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Run one cell as a notebook would; its outputs travel as text."""
        from autograder.execution import Notebook

        if self.notebook is None:
            self.notebook = Notebook()
        outputs = json.dumps(self.notebook.run(request["source"]), default=repr)
        return torch_bytes(outputs.encode()[:MAX_OUTPUT])

    def do_call(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Call a function by name and return its value."""
        args, kwargs = self.arguments(request, payload)
        function = self.find(request["name"])
        _settle(request["seed"])
        return function(*map(_real, args), **{k: _real(v) for k, v in kwargs.items()})

    def do_observe(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Call a function by name under observation."""
        from autograder.probes import observe

        (args, kwargs, cotangent) = self.read(request, payload)
        seen = observe(
            self.find(request["name"]),
            args,
            kwargs,
            seed=request["seed"],
            cotangent=cotangent,
        )
        self.events = [
            [e.kind, e.index, e.training, e.grad, e.size, repr(e.total), e.detail]
            for e in seen.events
        ]
        return {
            **{k: getattr(seen, k) for k in ("value", "inputs", "aliases", "grads")},
            **{k: getattr(seen, k) for k in ("requires_grad", "warnings")},
            "operators": sorted(seen.operators),
            "nets": [vars(state) for state in seen.nets],
        }

    def do_new(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Call a function by name and keep the module it returns."""
        import torch

        args, kwargs = self.arguments(request, payload)
        _settle(request["seed"])
        thing = self.find(request["name"])(*map(_real, args), **kwargs)
        if not isinstance(thing, torch.nn.Module):
            return {"kind": type(thing).__name__}
        self.objects.append(thing)
        return {"handle": len(self.objects) - 1}

    def do_method(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Call a kept module, or one of a few of its methods."""
        args, kwargs = self.arguments(request, payload)
        thing = self.objects[request["handle"]]
        name = request["name"]
        _settle(request["seed"])
        if name == "layers":
            return _layers(thing)
        result = (thing if name == "call" else getattr(thing, name))(*args, **kwargs)
        return None if name in ("load_state_dict", "train") else result

    def arguments(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Return positional and keyword arguments of a request."""
        args, kwargs, _ = self.read(request, payload)
        return args, kwargs

    def read(self, request: Mapping[str, Any], payload: bytes) -> Any:
        """Arguments and cotangent, with descriptions and handles made real."""
        from autograder.probes import BUILDERS

        handles = {"handle": lambda fields: self.objects[fields["number"]]}
        return unpack(request["arguments"], payload, {**BUILDERS, **handles})

    def find(self, name: str) -> Callable[..., Any]:
        """Return the student's function of this name."""
        function = self.module.__dict__.get(name)
        if not callable(function):
            raise Missing(name)
        return function


MAX_OUTPUT = 4 << 20  # bytes of one cell's outputs; more is cut and not shown


def torch_bytes(data: bytes) -> Any:
    """Text that may be longer than a header, as a tensor of bytes."""
    import torch

    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


class Missing(Exception):
    """The answer does not define a function of this name."""


def run_cell(name: str, source: str, namespace: dict[str, Any]) -> None:
    """Execute the text of one cell; tracebacks and ``inspect`` can find its lines."""
    filename = f"<{name}>"
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    exec(_compiled(source, filename), namespace)


@cache  # every case of a check loads the same cells
def _compiled(source: str, filename: str) -> types.CodeType:
    return compile(source, filename, "exec")


def forget_cells() -> None:
    """Forget the cells that were compiled."""
    _compiled.cache_clear()


class Magics:
    """What is left of IPython here: timing magics run their body, the rest is text."""

    RUN_BODY = frozenset({"time", "timeit", "capture", "prun"})

    def __init__(self, module: types.ModuleType):
        self.module = module

    def run_line_magic(self, name: str, line: str, *_: Any) -> None:
        """Run the statement after ``%time``; ignore every other line magic."""
        if name in self.RUN_BODY:
            exec(line, self.module.__dict__)

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        """Run the body of a ``%%time`` cell; ignore every other cell magic."""
        if name in self.RUN_BODY:
            exec(body, self.module.__dict__)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def describe(error: BaseException) -> dict[str, Any]:
    """Return an exception as text: its kind, its message and where it arose."""
    try:
        message = clean_text(error, 500)
    except BaseException:
        message = "(its message cannot be read)"
    cell, line = "", 0
    if isinstance(error, SyntaxError) and error.lineno:
        cell, line = clean_text(error.filename or "", 80), error.lineno
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith("<"):
            cell, line = frame.f_code.co_filename[:80], number
    return {
        "kind": clean_text(type(error).__name__, 60),
        "bases": [clean_text(c.__name__, 60) for c in type(error).__mro__][:8],
        "message": message,
        "cell": cell.strip("<>"),
        "line": line,
    }


def _settle(seed: int) -> None:
    from autograder.probes import settle

    settle(seed)


def _real(value: Any) -> Any:
    """Make a description real, for calls without observation."""
    from autograder.probes import Net

    return value.build() if isinstance(value, Net) else value


def _layers(net: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "kind": type(m).__name__,
            "settings": {
                k: v
                for k, v in vars(m).items()
                if not k.startswith("_")
                and isinstance(v, bool | int | float | str | tuple)
            },
            "parameters": sum(p.numel() for p in m.parameters(recurse=False)),
        }
        for name, m in net.named_modules()
        if not list(m.children())
    ]
