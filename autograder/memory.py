"""How the zygote's memory lies: so that a fork of it has little to copy.

torch takes some 300 MB in hundreds of places. A fork copies the map of all that was
written to, an entry for each 4 KiB, and takes it down again after the room: more work
than many a check. Here the same memory is laid so that fewer entries say where it is.

Each of these may do nothing: elsewhere than on Linux, or where the kernel is old, a
room only costs more.
"""

from __future__ import annotations

import bisect
import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

_libc = ctypes.CDLL(None, use_errno=True)
_python = ctypes.PyDLL(None)  # whose calls keep the interpreter's lock
HUGE_PAGE, POOL = 2 << 20, 16 << 10  # bytes; arenas consist of pools
MAX_GAP, MAX_GAPS = 128 << 10, 1000  # bytes; of one size
LARGEST_OBJECT, MAX_BLOCKS = 512, 200_000  # bytes in Python's pools; of one size
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS = 2, 16, 32
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
PR_SET_PDEATHSIG = 1
MADV_HUGEPAGE = 14
MADV_COLLAPSE = 25  # since Linux 6.1
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3


class Region(NamedTuple):
    """Addresses that were mapped together."""

    start: int
    end: int
    access: str  # as in "r-xp"
    path: str  # of a file, "[heap]", or nothing
    own: int  # bytes that are no longer the file's


def regions() -> list[Region]:
    """List what this process has mapped; nothing where that cannot be read."""
    found: list[Region] = []
    if not os.path.isdir("/proc/self"):
        return found
    with open("/proc/self/smaps") as file:
        for line in file:
            first, *rest = line.split(maxsplit=5)
            if first == "Anonymous:":
                found[-1] = found[-1]._replace(own=1024 * int(rest[0]))
            elif not first.endswith(":"):
                start, end = (int(address, 16) for address in first.split("-"))
                path = rest[4].strip() if len(rest) > 4 else ""
                found.append(Region(start, end, rest[0], path, 0))
    return found


def _is_glibc() -> bool:
    return sys.platform == "linux" and hasattr(_libc, "mallopt")


class _Allocator(ctypes.Structure):
    """Where Python takes the arenas from in which its objects lie."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("context", "take", "give"))


@contextlib.contextmanager
def one_heap() -> Iterator[None]:
    """Lay what is allocated meanwhile into one piece, which huge pages can hold.

    By itself Python maps an arena here and there, between the libraries that are being
    loaded, and libc every large array. What lies in the piece stays valid afterwards:
    an arena is page-aligned, and no other memory is within its pages.
    """
    if not _is_glibc() or not hasattr(_python, "PyObject_SetArenaAllocator"):
        yield
        return
    usual = _Allocator()
    take, give = (
        ctypes.cast(function, ctypes.c_void_p)
        # memalign(alignment, size) stands for take(context, size); what is given back
        # meanwhile is kept, and a function that looks at no argument does that.
        for function in (_libc.memalign, _libc.getppid)
    )
    _python.PyObject_GetArenaAllocator(ctypes.byref(usual))
    heap = _Allocator(POOL, take, give)
    _python.PyObject_SetArenaAllocator(ctypes.byref(heap))
    _libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
    _libc.mallopt(M_TRIM_THRESHOLD, 1 << 30)
    _libc.mallopt(M_TOP_PAD, 2 * HUGE_PAGE)
    try:
        yield
    finally:
        # where libc's own adaptation ends: arrays of 32 MB are kept for the next ones
        _libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)
        _libc.mallopt(M_TRIM_THRESHOLD, 64 << 20)
        _libc.mallopt(M_TOP_PAD, 128 << 10)
        _python.PyObject_SetArenaAllocator(ctypes.byref(usual))


def share_constants() -> None:
    """Map the libraries' tables as files again, of which a fork copies no entries.

    The loader wrote addresses into them, so that they are this process's own; now that
    they can only be read, a file in memory with the same bytes takes their place.
    """
    if not hasattr(os, "memfd_create"):
        return
    _libc.mmap.restype = ctypes.c_void_p
    for region in regions():
        if region.access != "r--p" or region.path[:1] != "/" or not region.own:
            continue
        size = region.end - region.start
        file = os.memfd_create("constants")
        try:
            if os.write(file, ctypes.string_at(region.start, size)) == size:
                _libc.mmap(
                    ctypes.c_void_p(region.start), ctypes.c_size_t(size),
                    PROT_READ, MAP_PRIVATE | MAP_FIXED, file, ctypes.c_long(0),
                )  # fmt: skip
        finally:
            os.close(file)


def fill_gaps() -> None:
    """Take the pieces of libc's memory that lie free between others, and keep them.

    What a room allocates would else lie there, each on a page of others' that has to
    be copied first. So it comes from the end, side by side.
    """
    if not _is_glibc():
        return
    _libc.malloc.restype = ctypes.c_void_p
    end = _libc.malloc(ctypes.c_size_t(MAX_GAP))
    for size in (*range(MAX_GAP // 2, 4096, -2048), *range(4096, 0, -16)):
        for _ in range(MAX_GAPS):
            place = _libc.malloc(ctypes.c_size_t(size))
            if not place or place > end:
                _libc.free(ctypes.c_void_p(place))
                break


def fill_pools() -> None:
    """Take the places that lie free between Python's objects, and keep them.

    As :func:`fill_gaps` does for libc: the small objects that a room makes then lie
    side by side, on pages that nobody has written to.
    """
    if not hasattr(_python, "PyObject_Malloc"):
        return
    allocate, free = _python.PyObject_Malloc, _python.PyObject_Free
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    free.restype, free.argtypes = None, [ctypes.c_void_p]
    known = [(r.start, r.end) for r in regions() if r.access == "rw-p"]
    starts = [start for start, _ in known]

    def is_new(place: int) -> bool:
        last = bisect.bisect_right(starts, place) - 1
        return last < 0 or place >= known[last][1]

    for size in range(LARGEST_OBJECT, 0, -16) if known else ():
        for _ in range(MAX_BLOCKS):
            place = allocate(size)
            if is_new(place):
                free(place)  # the first of a new arena, where all of this size follow
                break


@contextlib.contextmanager
def code_together() -> Iterator[None]:
    """Make anew, side by side, the code of all functions that run meanwhile.

    A call counts references to the code and rewrites its instructions as it learns.
    So that what runs in a room lies on few pages, and not among all that torch has.
    """
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            ran.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
    renew(f for f in gc.get_objects() if type(f) is FunctionType and f.__code__ in ran)


def renew(functions: Iterable[Any]) -> None:
    """Give functions equal code of their own; those of one code share it again."""
    made: dict[int, tuple[CodeType, CodeType]] = {}  # of an id, which stays its own
    for function in list(functions):
        code = function.__code__
        if id(code) not in made:
            made[id(code)] = code, _copied(code)
        function.__code__ = made[id(code)][1]


def _copied(code: CodeType) -> CodeType:
    inside = (_copied(c) if type(c) is CodeType else c for c in code.co_consts)
    return code.replace(co_consts=tuple(inside))


def pages_in_use(pid: int, region: Region) -> list[int]:
    """List the addresses of the huge pages of which a process has mapped anything."""
    start = -(-region.start // HUGE_PAGE) * HUGE_PAGE
    size = os.sysconf("SC_PAGE_SIZE")
    used = []
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
        for place in range(start, region.end - HUGE_PAGE + 1, HUGE_PAGE):
            entries = os.pread(file.fileno(), 8 * HUGE_PAGE // size, 8 * place // size)
            if any(entry & 0x80 for entry in entries[7::8]):  # bit 63: present
                used.append(place)
    return used


def gather_code(play: Callable[[], None]) -> None:
    """Lay the libraries' code that ``play`` runs in huge pages of this process's own.

    A fork copies one entry for 2 MB of them. Code that lies in its file it leaves out,
    and the room finds it again 64 KB at a time.
    """
    if not _is_glibc() or not os.path.isdir("/proc/self"):
        return
    pid = os.fork()
    if pid == 0:  # has mapped no code but what it runs from here on
        try:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            play()
            os.kill(os.getpid(), signal.SIGSTOP)
        finally:
            os._exit(1)
    used: list[int] = []
    if os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]):
        with contextlib.suppress(OSError):  # who may not look leaves it in its file
            for region in regions():
                if region.access == "r-xp" and region.path[:1] == "/":
                    used += pages_in_use(pid, region)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    for page in used:
        _replace_code(page)


def _replace_code(page: int) -> None:
    """Put a copy of a huge page of code in its place."""
    _libc.mmap.restype = _libc.mremap.restype = ctypes.c_void_p
    size, failed = ctypes.c_size_t, ctypes.c_void_p(-1).value
    room = _libc.mmap(
        None, size(2 * HUGE_PAGE), PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, ctypes.c_long(0),
    )  # fmt: skip
    if room == failed:
        return
    copy = -(-room // HUGE_PAGE) * HUGE_PAGE
    _libc.madvise(ctypes.c_void_p(copy), size(HUGE_PAGE), MADV_HUGEPAGE)
    ctypes.memmove(copy, page, HUGE_PAGE)
    # Where a process may not run what it has written, the file stays where it is.
    if not _libc.mprotect(
        ctypes.c_void_p(copy), size(HUGE_PAGE), PROT_READ | PROT_EXEC
    ):
        _libc.mremap(
            ctypes.c_void_p(copy), size(HUGE_PAGE), size(HUGE_PAGE),
            MREMAP_MAYMOVE | MREMAP_FIXED, ctypes.c_void_p(page),
        )  # fmt: skip
    _libc.munmap(ctypes.c_void_p(room), size(2 * HUGE_PAGE))


def gather() -> None:
    """Lay this process's own memory in huge pages, one entry of the map for 2 MB."""
    for region in regions():
        if region.access != "rw-p" or region.path not in ("", "[heap]"):
            continue  # a file's, which has no huge pages
        start = -(-region.start // HUGE_PAGE) * HUGE_PAGE
        for page in range(start, region.end - HUGE_PAGE + 1, HUGE_PAGE):
            _libc.madvise(
                ctypes.c_void_p(page), ctypes.c_size_t(HUGE_PAGE), MADV_COLLAPSE
            )
