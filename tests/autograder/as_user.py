"""Run a command as an ordinary user: ``as_user.py FOLDER COMMAND…``, started by root.

The user may write in FOLDER. Interpreter, environment and repository may lie where only
root can look, so the command gets mounts of its own in which the way to them is open.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

USER = 65534
NEW_MOUNTS, BIND, PRIVATE = 0x20000, 4096, 0x44000
ROOT = Path(__file__).resolve().parents[2]
libc = ctypes.CDLL(None, use_errno=True)


def mount(
    source: str, target: str, kind: str | None, flags: int, data: str = ""
) -> None:
    """Mount, or raise."""
    words = [w.encode() if w else None for w in (source, target, kind)]
    if libc.mount(*words, flags, data.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount {target}")


def closed(path: Path) -> Path | None:
    """Return the highest folder above a path that others may not pass."""
    for parent in reversed(path.parents):
        if not parent.stat().st_mode & 0o001:
            return parent
    return None


def open_the_way(paths: list[Path]) -> None:
    """Cover closed folders by empty ones in which only the wanted paths are."""
    if libc.unshare(NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "cannot have mounts of its own")
    mount("", "/", None, PRIVATE)
    hold = Path(tempfile.mkdtemp(dir="/dev/shm"))
    held = {p: hold / str(i) for i, p in enumerate(paths) if closed(p)}
    for path, place in held.items():
        place.mkdir()
        mount(str(path), str(place), None, BIND)
    for way in {closed(path) for path in held}:
        mount("tmpfs", str(way), "tmpfs", 0, "mode=755")
    for path in held:
        path.mkdir(parents=True, exist_ok=True)
    for path, place in held.items():
        mount(str(place), str(path), None, BIND)
        libc.umount2(str(place).encode(), 2)
        place.rmdir()
    hold.rmdir()


def main() -> int:
    """Give up root and run the command."""
    folder, command = Path(sys.argv[1]).resolve(), sys.argv[2:]
    os.chown(folder, USER, USER)
    open_the_way([Path(sys.base_prefix), Path(sys.prefix), ROOT, folder])
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "USER": "nobody"}
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
