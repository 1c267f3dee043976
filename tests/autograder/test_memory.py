"""What the zygote does to its memory changes where it lies, not what it holds."""

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import memory
from autograder.student import Answers, Student

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps").exists(), reason="memory is laid out on Linux only"
)


def alone(program):
    """Run a program in a process of its own, which it may rearrange."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_regions_are_told_with_what_is_a_files_and_what_is_not(tmp_path):
    (path := tmp_path / "a b").write_bytes(bytes(5 * mmap.PAGESIZE))
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    mapped[0] = mapped[-1] = 1
    (found,) = (r for r in memory.regions() if r.path == str(path))
    mapped.close()
    assert found.end - found.start == 5 * mmap.PAGESIZE
    assert found.access == "rw-p"
    assert found.own == 2 * mmap.PAGESIZE


HEAP = """
from autograder.memory import gather, one_heap, regions

def heap():
    return sum(r.end - r.start for r in regions() if r.path == "[heap]")

def made(start):
    return {i: str(i) * 3 for i in range(start, start + 200_000)}

def right(numbers):
    return all(text == str(i) * 3 for i, text in numbers.items())

before = heap()
with one_heap():
    kept, gone, large = made(0), made(7), bytes(range(256)) * 100_000
grown = heap() - before
del gone
gather()
later = made(13)  # in what was left of the heap, and in arenas elsewhere
del kept[5]
print(grown > 60 << 20, heap() - before - grown < 20 << 20)
print(right(kept), right(later), large == bytes(range(256)) * 100_000)
del kept, later, large
again = made(17)
print(right(again))
"""


def test_what_lies_in_one_heap_stays_what_it_is():
    assert alone(HEAP) == ["True"] * 6


GAPS = """
import ctypes
from autograder.memory import fill_gaps

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
texts = [str(i) * 300 for i in range(100)]
places = [libc.malloc(1000) for _ in range(40)]
for place in places[::2]:
    libc.free(place)
fill_gaps()
later = [libc.malloc(1000) for _ in range(40)]
print(not set(later) & set(places), min(later) > max(places))
print(texts == [str(i) * 300 for i in range(100)])
"""


def test_after_gaps_were_filled_memory_comes_from_the_end():
    assert alone(GAPS) == ["True"] * 3


POOLS = """
from autograder.memory import fill_pools, regions

kept = [[object() for _ in range(20_000)] for _ in range(2)]
freed = {id(thing) for thing in kept[0][::2]}
kept[0] = kept[0][1::2]
fill_pools()
before = regions()
later = [object() for _ in range(5_000)]
places = set(map(id, later))
print(not places & freed)
print(max(places) - min(places) < 1 << 20)  # side by side, in one new arena
print(len(set(map(id, kept[0] + kept[1] + later))) == 35_000)
"""


def test_after_pools_were_filled_small_objects_lie_side_by_side():
    assert alone(POOLS) == ["True"] * 3


CODE = """
from autograder.memory import code_together

def count(n, *, step=1):
    total = 0
    for i in range(0, n, step):
        total += i
    return total

def made(k):
    def add(x):
        return x + k
    return add

def idle():
    return "idle"

def numbers():
    yield from (1, 2)

class Thing:
    def __init__(self):
        self.value = count(10)

    @property
    def half(self):
        return self.value / 2

one, two = made(1), made(2)
functions = count, made, one, two, idle, numbers, Thing.__init__, Thing.half.fget
before = [f.__code__ for f in functions]
with code_together():
    assert (count(4), one(1), two(1), made(3)(1)) == (6, 2, 3, 4)
    assert list(numbers()) == [1, 2]
    Thing().half
after = [f.__code__ for f in functions]
print([a is not b for a, b in zip(before, after)] == [True] * 4 + [False] + [True] * 3)
print(before == after, one.__code__ is two.__code__)
print((count(10, step=2), one(5), two(5), made(7)(1)) == (20, 6, 7, 8))
print((idle(), list(numbers()), Thing().half) == ("idle", [1, 2], 22.5))
with code_together():
    pass
print([f.__code__ for f in functions] == after and count.__code__ is after[0])
"""


def test_code_that_was_made_anew_does_the_same():
    assert alone(CODE) == ["True"] * 6


LIBRARIES = """
import os, torch
from autograder.memory import gather_code, regions

def own():
    return sum(r.own for r in regions() if r.access == "r-xp" and not r.path)

def code():
    # From end to end of the library, whoever holds a part of it.
    found = [r for r in regions() if r.path.endswith("libtorch_cpu.so")]
    found = [r for r in found if r.access == "r-xp"] or found
    return found[0].start, found[-1].end

def contents(start, end):
    with open("/proc/self/mem", "rb", buffering=0) as file:
        return hash(os.pread(file.fileno(), end - start, start))

def work():
    X = torch.arange(50.0).reshape(1, 1, 5, 10).requires_grad_()
    K = torch.ones(1, 1, 2, 2)
    torch.nn.functional.conv2d(X, K).sigmoid().sum().backward()
    return float(X.grad.sum())

torch.set_num_threads(1)  # a fork of more hangs
first, places = work(), code()
before, text, files = own(), contents(*places), len(os.listdir("/proc/self/fd"))
gather_code(work)
print(before == 0, own() > 4 << 20, own() % (2 << 20) == 0)
print(text == contents(*places), files == len(os.listdir("/proc/self/fd")))
print(work() == first)
pid = os.fork()
if pid == 0:
    os._exit(0 if work() == first else 1)
print(os.waitpid(pid, 0)[1] == 0)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print(True)  # nobody is left who was looked at
def breaks():
    raise RuntimeError("on purpose")
kept = own()
gather_code(breaks)
print(own() == kept, work() == first)
"""


def test_libraries_code_in_huge_pages_does_the_same():
    assert alone(LIBRARIES) == ["True"] * 10


TABLES = """
import os, torch
from autograder.memory import regions, share_constants

def tables():
    return {r.start: r for r in regions() if r.access == "r--p" and r.path[:1] == "/"}

def written():
    return sum(r.own for r in tables().values())

def bytes_of(places):
    with open("/proc/self/mem", "rb", buffering=0) as file:
        return {a: hash(os.pread(file.fileno(), b - a, a)) for a, b in places.items()}

places = {r.start: r.end for r in tables().values() if r.own}
before, contents, files = written(), bytes_of(places), len(os.listdir("/proc/self/fd"))
share_constants()
print(before > 5 << 20, written() == 0, contents == bytes_of(places))
print(files == len(os.listdir("/proc/self/fd")))
X = torch.ones(1, 1, 5, 5, requires_grad=True)
torch.nn.Conv2d(1, 2, 3)(X).sum().backward()
try:
    torch.ones(2) @ torch.ones(3)
except RuntimeError as error:
    print("size" in str(error))
print(X.grad.shape == X.shape)
pid = os.fork()
if pid == 0:
    os._exit(int(torch.ones(7).sum()))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7)
"""


def test_tables_that_are_a_file_again_say_the_same():
    assert alone(TABLES) == ["True"] * 7


@pytest.mark.sandbox
def test_a_room_that_writes_to_the_tables_changes_its_own_only(sandbox):
    answers = Answers([{"id": "f", "source": WRITER}], {"f": WRITER})
    seen = []
    for _ in range(2):
        student = Student(sandbox, answers)
        seen.append(student.call("f", returns=list))
        student.close()
    assert seen[0] == seen[1]
    assert seen[0][1] == 255 - seen[0][0]  # it did write


WRITER = """\
import ctypes

def f():
    with open("/proc/self/maps") as file:
        line = next(line for line in file if "memfd:constants" in line)
    start, end = (int(word, 16) for word in line.split()[0].split("-"))
    value = ctypes.string_at(end - 1, 1)[0]
    mprotect = ctypes.CDLL(None).mprotect
    if mprotect(ctypes.c_void_p(start), ctypes.c_size_t(end - start), 3) == 0:
        ctypes.memset(end - 1, 255 - ctypes.string_at(end - 1, 1)[0], 1)
    return [value, ctypes.string_at(end - 1, 1)[0]]
"""


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(os.path, "isdir", lambda path: False)
    assert memory.regions() == []
    memory.share_constants()
    memory.gather()
    memory.fill_pools()
    memory.gather_code(lambda: pytest.fail("played"))
    monkeypatch.setattr(memory.sys, "platform", "win32")
    memory.fill_gaps()
    with memory.one_heap():
        assert sorted([3, 1, 2]) == [1, 2, 3]
