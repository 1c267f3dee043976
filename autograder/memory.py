"""How the zygote's memory lies: so that a fork of it has little to copy.

torch takes some 300 MB in hundreds of places. A fork copies the map of all that was
written to, an entry for each 4 KiB, and takes it down again after the room: more work
than many a check. Here the same memory is laid so that fewer entries say where it is.

Each of these may do nothing: elsewhere than on Linux, or where the kernel is old, a
room only costs more.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

_libc = ctypes.CDLL(None, use_errno=True)
_python = ctypes.PyDLL(None)  # whose calls keep the interpreter's lock
HUGE_PAGE, POOL = 2 << 20, 16 << 10  # bytes; arenas consist of pools
MAX_GAP, MAX_GAPS = 128 << 10, 1000  # bytes; of one size
PROT_READ, MAP_PRIVATE, MAP_FIXED = 1, 2, 16
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
