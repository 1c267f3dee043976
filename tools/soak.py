"""The long trials: fuzzing, kills and a mixed class. ``make soak`` runs them whole.

Each part draws from a seed that it prints; a case that fails is written to
``_build/soak/`` and run again with ``--replay FILE``. ``make test`` runs a sample of
each part (``tests/autograder/test_soak.py``).

    python tools/soak.py                       # everything, hours
    python tools/soak.py --only messages --count 200000 --seed 7
    python tools/soak.py --only kills --count 5
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import fuzzing
import nbformat

from autograder import grading, notebooks, submission, wire
from autograder.assignment import checks_path, load
from autograder.course import RESULT, Course
from autograder.outcome import Outcome
from autograder.sandbox import Sandbox
from autograder.student import (
    Budget,
    Student,
    StudentError,
)
from autograder.testing import notebook_of

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = ROOT / "tests" / "autograder" / "hostile"
FOUND = ROOT / "_build" / "soak"
HANG = 10.0  # seconds for one notebook or message, on a busy machine
MEMORY = 100 << 20  # bytes by which the trusted side may grow

COUNTS = {
    "notebooks": 20_000,
    "messages": 200_000,
    "checks": 2_000,
    "kills": 100,
    "worker-kills": 100,
    "mixed": 50,
    "mixed-as-user": 50,
    "attacks-as-user": 1,
}
WRONG = "def double(X):\n    return X * X"


class Failed(AssertionError):
    """A trial did not come out as promised."""


# --- a small assignment, the one of the tests -----------------------------------------


def conftest():
    """Load what the grader's tests share: the assignment ``tiny``."""
    path = ROOT / "tests" / "autograder" / "conftest.py"
    spec = importlib.util.spec_from_file_location("grader_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def tiny(folder: Path):
    """Put the assignment where the grader of this process, and below, finds it."""
    shared = conftest()
    before = dict(os.environ)
    (folder / "assignments" / "tiny").mkdir(parents=True)
    (folder / "assignments" / "tiny" / "tiny.md").write_text(shared.TINY)
    (folder / "checks").mkdir()
    (folder / "checks" / "test_tiny.py").write_text(shared.TINY_CHECKS)
    os.environ["AUTOGRADER_ASSIGNMENTS"] = str(folder / "assignments")
    os.environ["AUTOGRADER_CHECKS"] = str(folder / "checks")
    try:
        yield folder
    finally:
        os.environ.clear()
        os.environ.update(before)


def keep(part: str, seed: int, number: int, data: bytes) -> Path:
    """Store a failing case so that it can be run again."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{part}-{seed}-{number}.bin"
    path.write_bytes(data)
    return path


def peak() -> int:
    """Return the most memory that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fuzz(
    part: str, seed: int, count: int, make, trial, limit: float = 60.0
) -> dict[str, int]:
    """Make and try cases; say how each ended. A case is named by seed and number."""
    endings: dict[str, int] = {}
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        data = make(rng)
        if number == min(count // 10, 200):
            memory = peak()  # libraries are loaded now
        before = time.monotonic()
        try:
            ending = trial(data, rng)
        except BaseException as error:
            path = keep(part, seed, number, data)
            raise Failed(f"{part} {number}: {error!r} (kept in {path})") from error
        seconds = time.monotonic() - before
        if seconds > limit:
            path = keep(part, seed, number, data)
            raise Failed(f"{part} {number} took {seconds:.1f} s (kept in {path})")
        endings[ending] = endings.get(ending, 0) + 1
        progress(part, number + 1, count)
    if count and peak() - memory > MEMORY:
        raise Failed(f"{part}: memory grew by {(peak() - memory) >> 20} MB")
    return endings


def progress(part: str, done: int, count: int) -> None:
    """Print a line now and then."""
    if count <= 200 or done % (count // 20) == 0:
        print(f"  {part}: {done} of {count}", flush=True)


# --- notebooks ------------------------------------------------------------------------


class Notebooks:
    """Changed notebooks are read, rebuilt and written; some are graded.

    The unchanged one earns 2 points of 5 with its second answer. No change of the
    notebook around its answers may earn more.
    """

    def __init__(self, graded: int = 400):
        self.task = load("tiny")
        self.sandbox = Sandbox()
        self.left = graded
        self.known: dict[str, float] = {}
        base = notebook_of("tiny", {"double": WRONG})
        self.base = json.loads(nbformat.writes(base))
        for cell in self.base["cells"]:
            cell["source"] = "".join(cell["source"])
        release = notebook_of("tiny", {}, fill="stub")
        self.release = nbformat.from_dict(json.loads(nbformat.writes(release)))
        for cell in self.release.cells:
            cell.source = "".join(cell.source)

    def make(self, rng: random.Random) -> bytes:
        """Draw a notebook."""
        return fuzzing.notebook(rng, self.base)

    def trial(self, data: bytes, rng: random.Random | None = None) -> str:
        """Read it as the grader would."""
        before = time.monotonic()
        try:
            kept = submission.rebuild(submission.parse_notebook(data), self.task)
        except submission.Unreadable:
            return "unreadable"
        if set(kept.answers) != {"double", "total"}:
            raise Failed(f"the answers are {sorted(kept.answers)}")
        shown = notebooks.rebuilt(self.release, self.task, kept)
        nbformat.validate(shown)
        text = nbformat.writes(shown)
        text.encode("utf-8")
        self._harmless(shown)
        submission.cells_to_run(self.task, kept.answers)
        kept.names_in_extras()
        if (seconds := time.monotonic() - before) > HANG:
            raise Failed(f"reading took {seconds:.1f} s")
        return self._grade(kept)

    def _harmless(self, shown) -> None:
        for cell in shown.cells:
            if cell.cell_type == "markdown" and not cell.source.startswith("```"):
                if re.search(r"<(?:script|img|svg|iframe)", cell.source, re.I):
                    raise Failed("HTML of a student's stands in Markdown")

    def _grade(self, kept) -> str:
        key = json.dumps(kept.answers)
        if key not in self.known:
            if self.left <= 0 and self.known:
                return "read"
            self.left -= 1
            budget = Budget(total=8, call=2, load=3)
            result = grading.grade(kept, self.task, self.sandbox, budget=budget)
            if result.state.needs_person or result.score > 2:
                raise Failed(f"{result.state} {result.score}: {result.reason}")
            self.known[key] = result.score
        return f"graded: {self.known[key]:g}"

    def close(self) -> None:
        """End the sandbox."""
        self.sandbox.close()


# --- messages -------------------------------------------------------------------------


class FakeRoom:
    """A room of nobody's: its replies are the bytes that it was given."""

    status = asked = 0

    def __init__(self, data: bytes):
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        with contextlib.suppress(OSError):
            theirs.send(data)
            theirs.shutdown(socket.SHUT_WR)
        self.theirs, self.channel = theirs, wire.Channel(ours)

    def close(self, patience: float = 0.0) -> int:
        """Close both ends."""
        self.channel.close()
        self.theirs.close()
        return 0


def spoken() -> list[tuple[str, dict, bytes]]:
    """Return replies that honest processes send, one of each kind."""
    import torch

    from autograder.host import describe
    from autograder.probes import Net, NetState, observe

    X = torch.arange(6.0).reshape(2, 3)
    seen = observe(lambda net, X: net(X), [Net([("Linear", 3, 2)]), X], {})
    observed = {
        "value": seen.value,
        "inputs": seen.inputs,
        "aliases": seen.aliases,
        "grads": [X, None],
        "requires_grad": True,
        "warnings": ["careful"],
        "operators": ["addmm"],
        "nets": [vars(NetState({"0.weight": X}, True, {"0.weight": None}))],
    }
    layer = {"name": "0", "kind": "Linear", "settings": {"bias": True}, "parameters": 3}
    values = [
        ("call", X),
        ("call", [1, 2.5, None, "text", (True, {"a": X.int()}), X.numpy()]),
        ("call", torch.float16),
        ("call", {"a": [X.to(torch.bfloat16), X > 2], "b": X.to(torch.complex64)}),
        ("new", {"handle": 0}),
        ("layers", [layer, layer]),
        ("state_dict", {"0.weight": X}),
        ("observe", observed),
    ]
    replies = []
    events = [["step", 0, True, False, 2, "1.5", "SGD lr=0.1"]]
    for verb, value in values:
        node, payload = wire.pack(value)
        header = {"id": 1, "value": node, "events": events if verb == "observe" else []}
        replies.append((verb, header, payload))
    error = {"raised": describe(ValueError("no")), "id": 1}
    return [*replies, ("call", error, b""), ("call", {"missing": "f", "id": 1}, b"")]


class Messages:
    """Changed replies are read by the trusted side of the wire, as an answer's are.

    Whatever arrives, a caller gets a value of a kind that it asked for, or an error
    that is the student's.
    """

    def __init__(self):
        self.spoken = spoken()

    def make(self, rng: random.Random) -> bytes:
        """Draw a reply; its first byte tells which question it answers."""
        which = rng.randrange(len(self.spoken))
        _, header, payload = self.spoken[which]
        return bytes([which]) + fuzzing.message(rng, header, payload)

    def trial(self, data: bytes, rng: random.Random | None = None) -> str:
        """Let a proxy ask, and read this reply."""
        from autograder.student import Answers, Handle

        verb = self.spoken[data[0] % len(self.spoken)][0]
        proxy = Student(None, Answers([], {"f": "x = 1"}), Budget(call=5.0))
        room = FakeRoom(data[1:])
        proxy._room, proxy._loaded = room, True
        try:
            if verb == "call":
                kinds = (None, float, (int, float), list, dict, object)
                self._value(proxy, kinds[len(data) % len(kinds)])
            elif verb == "new":
                proxy.new("f")
            elif verb == "layers":
                Handle(proxy, 0).layers()
            elif verb == "state_dict":
                Handle(proxy, 0).state_dict()
            else:
                proxy.observe("f", 1)
        except StudentError as error:
            return type(error).__name__
        finally:
            room.close()
            proxy.close()
        return "a value"

    def _value(self, proxy: Student, kind) -> None:
        value = proxy.call("f", returns=kind)
        if kind is float and not isinstance(value, float):
            raise Failed(f"a float was asked for, {type(value)} came")


# --- whole checks ---------------------------------------------------------------------


class Recorder:
    """Stands for a sandbox: hands out real rooms and notes what they reply."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox, self.replies = sandbox, {}

    def room(self):
        """Return a real room whose channel is listened to."""
        real = self.sandbox.room()
        real.channel = _Listening(real.channel, self.replies)
        return real


class _Listening:
    def __init__(self, channel, replies):
        self.channel, self.replies = channel, replies

    def send(self, header, payload=b"", deadline=float("inf")):
        self.question = _question(header, payload)
        self.channel.send(header, payload, deadline)

    def receive(self, deadline=float("inf")):
        reply, data = self.channel.receive(deadline)
        self.replies[self.question] = (reply, data)
        return reply, data

    def close(self):
        self.channel.close()


def _question(header, payload: bytes) -> str:
    asked = {k: v for k, v in header.items() if k not in ("cells", "id")}
    text = json.dumps(asked, sort_keys=True)
    return hashlib.sha256(text.encode() + payload).hexdigest()


class Player:
    """Stands for a sandbox: replies as recorded, now and then with a change."""

    def __init__(self, replies, rng: random.Random):
        self.replies, self.rng = replies, rng
        self.changed = self.messages = 0

    def room(self):
        """Return a room that plays."""
        return _Playing(self)


class _Playing:
    asked = 0

    def __init__(self, player: Player):
        self.player, self.channel = player, self

    def send(self, header, payload=b"", deadline=float("inf")):
        self.question, self.number = _question(header, payload), header["id"]
        self.loading = header["do"] == "load"

    def receive(self, deadline=float("inf")):
        player = self.player
        player.messages += 1
        if self.question not in player.replies:
            raise wire.WireClosed("nothing was recorded")
        reply, payload = player.replies[self.question]
        reply = {**reply, "id": self.number}
        if player.rng.random() < (0.02 if self.loading else 0.3):
            player.changed += 1
            data = fuzzing.message(player.rng, reply, payload)
            room = FakeRoom(data)
            try:
                reply, payload = room.channel.receive(time.monotonic() + 5)
            finally:
                room.close()
            if player.rng.random() < 0.95:
                reply["id"] = self.number
        return reply, payload

    def close(self, patience: float = 0.0) -> int:
        return 0


class Checks:
    """The course's own checks, fed with changed replies of the model solutions.

    Every check must end as passed, failed or skipped: what a student process sends can
    never look like a mistake of the grader.
    """

    def __init__(self, names=("corr2d", "pool2d", "lenet")):
        self.tasks, self.recorded, self.messages = {}, {}, 0
        with Sandbox() as sandbox:
            for name in names:
                task = self.tasks[name] = load(name)
                recorder = Recorder(sandbox)
                texts = {c.id: c.source for c in task.of("answer")}
                self._run(task, texts, recorder)
                self.recorded[name] = (texts, recorder.replies)

    def _run(self, task, texts, sandbox):
        from autograder.pytest_plugin import Run, run_checks

        kept = submission.Submission(answers=texts)
        run = Run(task, grading.answers_from(kept, task), sandbox, "", Budget())
        problems = run_checks(run, checks_path(task.name))
        if run.errors or problems:
            raise Failed(f"{task.name}: {run.errors} {problems}")
        for check in run.results.values():
            if check.outcome is Outcome.GRADER_ERROR:
                raise Failed(f"{task.name}: {check.name}: {check.message}")
        return run

    def make(self, rng: random.Random) -> bytes:
        """Draw which assignment and which changes."""
        name = rng.choice(sorted(self.tasks))
        return json.dumps([name, rng.randrange(1 << 40)]).encode()

    def trial(self, data: bytes, rng: random.Random | None = None) -> str:
        """Run the checks of one assignment on replies of which some are changed."""
        name, seed = json.loads(data)
        texts, replies = self.recorded[name]
        player = Player(replies, random.Random(seed))
        run = self._run(self.tasks[name], texts, player)
        self.messages += player.messages
        outcomes = {str(c.outcome) for c in run.results.values()}
        return f"{name}: {' '.join(sorted(outcomes))}"


# --- a course to be killed ------------------------------------------------------------


def make_course(folder: Path) -> Path:
    """Make a course in which ``tiny`` is released."""
    course = folder / "course"
    for words in (
        ("new-course", str(course), "--course-id", "soak"),
        ("release", "tiny", "--course", str(course)),
    ):
        subprocess.run(
            [sys.executable, "-m", "autograder", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
    return course


def submit(course: Path, student: str, double: str | None) -> None:
    """Put a submission into the course; None makes it unreadable."""
    folder = course / "submitted" / student / "tiny"
    folder.mkdir(parents=True)
    if double is None:
        (folder / "tiny.ipynb").write_text("{")
        return
    nbformat.write(notebook_of("tiny", {"double": double}), folder / "tiny.ipynb")


KINDS = (
    "def double(X):\n    return 2 * X",
    "def double(X):\n    return X + X  # {}",
    WRONG,
    "import os\n\ndef double(X):\n    os._exit(0)",
    "print('x' * 1000)\n\ndef double(X):\n    X *= 2\n    return X",
    None,
)


def small_class(course: Path, size: int) -> None:
    """Hand in a class of right, wrong, crashing and unreadable notebooks."""
    for i in range(size):
        double = KINDS[i % len(KINDS)]
        submit(course, f"student-{i:03}", double and double.replace("{}", str(i)))


def command(course: Path, *more: str) -> list[str]:
    """Return the command that a person types."""
    words = ("grade", "tiny", "--course", str(course), "--jobs", "2", *more)
    return [sys.executable, "-m", "autograder", *words]


def grade(course: Path, *more: str) -> None:
    """Grade to the end."""
    done = subprocess.run(
        command(course, *more), capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise Failed(f"grade ended with {done.returncode}: {done.stderr[-2000:]}")


def bytes_of(course: Path) -> dict[str, str]:
    """Digests of every result, every graded notebook and every row of the gradebook."""
    files = {}
    for path in sorted(course.glob(".autograder/results/tiny/*/*/*")):
        if path.name != "seconds.txt":
            files[str(path.relative_to(course))] = _digest(path.read_bytes())
    for path in sorted(course.glob("autograded/*/tiny/tiny.ipynb")):
        files[str(path.relative_to(course))] = _digest(path.read_bytes())
    files["gradebook"] = _digest(json.dumps(rows(course)).encode())
    return files


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def rows(course: Path) -> list:
    """Return the scores in the gradebook, after a check of its integrity."""
    path = course / "gradebook.db"
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    try:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            raise Failed(f"the gradebook is broken: {answer}")
        return connection.execute(
            """
            select a.student_id, b.name, g.auto_score, g.needs_manual_grade
            from grade g
            join base_cell b on b.id = g.cell_id
            join submitted_notebook n on n.id = g.notebook_id
            join submitted_assignment a on a.id = n.assignment_id
            order by 1, 2
            """
        ).fetchall()
    finally:
        connection.close()


def finished(course: Path) -> dict[str, tuple[int, int]]:
    """Return the results that are complete, with what tells a second making apart."""
    return {
        str(path.relative_to(course)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in course.glob(f".autograder/results/tiny/*/*/{RESULT}")
    }


class Kills:
    """A run of ``grade`` is killed at a random moment and then simply run again."""

    def __init__(self, folder: Path, size: int = 60, worker: bool = False):
        self.folder, self.worker, self.number = folder, worker, 0
        self.pristine = make_course(folder)
        small_class(self.pristine, size)
        self.size = size
        undisturbed = shutil.copytree(self.pristine, folder / "undisturbed")
        before = time.monotonic()
        grade(undisturbed)
        self.seconds = time.monotonic() - before
        self.expected = bytes_of(undisturbed)
        print(f"  an undisturbed run takes {self.seconds:.0f} s", flush=True)

    def make(self, rng: random.Random) -> bytes:
        """Draw a moment."""
        return str(rng.uniform(0.0, self.seconds)).encode()

    def trial(self, data: bytes, rng: random.Random | None = None) -> str:
        """Kill at this moment, look, run again, compare."""
        course = shutil.copytree(self.pristine, self.folder / "killed")
        running = subprocess.Popen(
            command(course), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            hit = self._kill(running, float(data))
            early = finished(course)
            rows(course)
            if self.worker and running.wait(900) not in (0, 1):
                raise Failed(f"grade ended with {running.returncode}")
            grade(course)
        finally:
            running.kill()
            running.wait()
        late = finished(course)
        again = [name for name, mark in early.items() if late.get(name) != mark]
        if again:
            raise Failed(f"graded twice: {again}")
        if len(late) != self.size or bytes_of(course) != self.expected:
            raise Failed(f"other results than undisturbed: {course}")
        shutil.rmtree(course)
        stage = "before any result" if not early else "amid the results"
        return f"{hit}, {stage if len(early) < self.size else 'while recording'}"

    def _kill(self, running: subprocess.Popen, moment: float) -> str:
        until = time.monotonic() + moment
        while time.monotonic() < until and running.poll() is None:
            time.sleep(0.01)
        if not self.worker:
            if running.poll() is not None:
                return "too late"
            running.kill()
            running.wait()
            return "killed"
        workers = [p for p in children(running.pid) if b"spawn_main" in command_of(p)]
        if not workers:
            return "no worker alive"
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)
        return "worker killed"

    def close(self) -> None:
        """Nothing is left to be ended."""


def children(pid: int) -> list[int]:
    """Return the processes that this one has started."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def command_of(pid: int) -> bytes:
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


# --- a class in which every attack sits beside honest students ------------------------

HONEST = (
    ("def double(X):\n    return 2 * X  # {}", 5),
    ("def double(X):\n    return X + X  # {}", 5),
    ("import torch\n\ndef double(X):\n    return torch.add(X, X)  # {}", 5),
    ("def double(X):\n    return X * X  # {}", 2),
    ("print('hello {}')\n\ndef double(X):\n    X *= 2\n    return X", 4),
)


def attacks() -> dict[str, Path]:
    """Every attack of the corpus, by the name of its student."""
    files = sorted(HOSTILE.glob("*.py")) + sorted(HOSTILE.glob("notebooks/*.py"))
    return {f"mallory-{f.parent.name[:4]}-{f.stem}": f for f in files}


def attack_with(course: Path, student: str, path: Path) -> None:
    """Hand in an attack."""
    text = path.read_text(encoding="utf-8")
    if path.parent.name != "notebooks":
        submit(course, student, text)
        return
    import inspect

    folder = course / "submitted" / student / "tiny"
    folder.mkdir(parents=True)
    notebook = json.loads(nbformat.writes(notebook_of("tiny", {})))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    namespace: dict = {}
    exec(compile(text, str(path), "exec"), namespace)
    attack, target = namespace["attack"], folder / "tiny.ipynb"
    if "path" in inspect.signature(attack).parameters:
        attack(notebook, target)
        return
    made = attack(notebook)
    target.write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())


def required(text: str) -> tuple[float, str]:
    """Return the score and the state that an attack must come to."""
    state = re.search(r"^State: (\S+)$", text, re.MULTILINE)
    score = re.search(r"^Score: (\S+)$", text, re.MULTILINE)
    assert score
    return float(score[1]), state[1] if state else "graded"


class Mixed:
    """Honest students get the same bytes alone and among attackers."""

    def __init__(self, folder: Path, honest: int, chosen: dict[str, Path]):
        self.folder, self.chosen = folder, chosen
        self.pristine = make_course(folder)
        self.honest = {}
        for i in range(honest):
            double, score = HONEST[i % len(HONEST)]
            self.honest[f"honest-{i:03}"] = score
            submit(self.pristine, f"honest-{i:03}", double.replace("{}", str(i)))

    def run(self) -> str:
        """Grade the honest ones alone, then everybody, and compare."""
        alone = shutil.copytree(self.pristine, self.folder / "alone")
        grade(alone)
        mixed = shutil.copytree(self.pristine, self.folder / "mixed")
        for student, path in self.chosen.items():
            attack_with(mixed, student, path)
        grade(mixed)
        self._compare(alone, mixed)
        self._look_at_attackers(mixed)
        return f"{len(self.honest)} honest, {len(self.chosen)} attacks"

    def _compare(self, alone: Path, mixed: Path) -> None:
        found = bytes_of(mixed)
        for name, digest in bytes_of(alone).items():
            if name != "gradebook" and found.get(name) != digest:
                raise Failed(f"{name} is another one among attackers")
        scores: dict[str, float] = {}
        for student, _, score, _ in rows(mixed):
            scores[student] = scores.get(student, 0.0) + (score or 0.0)
        for student, score in self.honest.items():
            if scores[student] != score:
                raise Failed(f"{student} has {scores[student]} points, not {score}")
        if [r for r in rows(mixed) if r[0] in self.honest] != rows(alone):
            raise Failed("the gradebook has other rows for honest students")

    def _look_at_attackers(self, mixed: Path) -> None:
        """Under the limits of a real run some are stopped as a whole: never better."""
        kept = {r.student: r for r, _ in Course(mixed).kept("tiny")}
        for student, path in self.chosen.items():
            score, state = required(path.read_text(encoding="utf-8"))
            result = kept[student]
            if result.score > score or str(result.state) not in (state, "timed_out"):
                raise Failed(f"{student}: {result.state} {result.score}")


# --- the command line -----------------------------------------------------------------


def run_part(part: str, seed: int, count: int, folder: Path) -> None:
    """Run one part to its end."""
    if part.endswith("-as-user"):
        as_user(part.removesuffix("-as-user"), seed, count, folder)
        return
    with contextlib.ExitStack() as stack:
        if part != "checks":
            stack.enter_context(tiny(folder))
        _run_part(part, seed, count, folder)


def _run_part(part: str, seed: int, count: int, folder: Path) -> None:
    if part == "mixed":
        chosen = attacks()
        print("  ", Mixed(folder, count, chosen).run(), flush=True)
        return
    trials = {
        "notebooks": Notebooks,
        "messages": Messages,
        "checks": Checks,
        "kills": lambda: Kills(folder),
        "worker-kills": lambda: Kills(folder, worker=True),
    }[part]()
    limit = {"messages": HANG}.get(part, 3600.0 if "kills" in part else 90.0)
    endings = fuzz(part, seed, count, trials.make, trials.trial, limit)
    for ending, times in sorted(endings.items()):
        print(f"  {times:7} {ending}", flush=True)
    if isinstance(trials, Checks):
        print(f"  {trials.messages} messages", flush=True)


def as_user(part: str, seed: int, count: int, folder: Path) -> None:
    """Run a part, or the tests of every attack, as an ordinary user."""
    words = [str(ROOT / "tools" / "soak.py"), "--only", part, "--count", str(count)]
    words += ["--seed", str(seed)]
    if part == "attacks":
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
        words += [str(HOSTILE.parent / "test_hostile.py")]
    command = [sys.executable, *words]
    if os.getuid() == 0:
        folder.mkdir()
        script = HOSTILE.parent / "as_user.py"
        command = [sys.executable, str(script), str(folder), *command]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    print(done.stdout[-3000:], flush=True)
    if done.returncode:
        raise Failed(f"{part} as an ordinary user: {done.stderr[-2000:]}")


def replay(path: Path, folder: Path) -> str:
    """Run a kept case again."""
    part = path.name.rsplit("-", 2)[0]
    if part == "checks":
        return Checks().trial(path.read_bytes())
    kinds = {"notebooks": Notebooks, "messages": Messages, "kills": Kills}
    with tiny(folder):
        trials = kinds[part]() if part != "kills" else Kills(folder)
        return trials.trial(path.read_bytes())


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", choices=COUNTS, metavar="PART")
    parser.add_argument("--count", type=int, help="cases, instead of the whole number")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().getrandbits(32)
    )
    parser.add_argument("--replay", type=Path, metavar="FILE")
    args = parser.parse_args(arguments)
    os.environ |= {f"{n}_NUM_THREADS": "1" for n in ("OMP", "OPENBLAS", "MKL")}
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        if args.replay:
            print(replay(args.replay, Path(folder)))
            return 0
        for part in args.only or COUNTS:
            count = COUNTS[part] if args.count is None else args.count
            print(f"{part}: {count}, seed {args.seed}", flush=True)
            place = Path(folder) / part
            before = time.monotonic()
            try:
                run_part(part, args.seed, count, place)
            except Failed as error:
                print(f"  FAILED {error}", flush=True)
                return 1
            print(f"  {time.monotonic() - before:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
