"""One control group around a sandbox, so that all its processes share their limits.

Resource limits count per process, and a student may make many. A control group counts
their sum, tmpfs included. It can be had as root, and as a user where the system has
delegated a part of the tree (systemd does, for a user's own services).
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class ControlGroup:
    """A control group of our own: one folder in version 2, two in version 1."""

    def __init__(self, folders: list[Path]):
        self.folders = folders

    def join(self) -> None:
        """Move the calling process in; for the child between fork and exec."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self, patience: float = 5.0) -> None:
        """Remove the folders, as soon as the last process in them is gone."""
        until = time.monotonic() + patience
        for folder in self.folders:
            while folder.is_dir():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > until:
                        return
                    time.sleep(0.02)


def make(memory: int, processes: int, root: Path = ROOT) -> ControlGroup | None:
    """Make a control group with these limits; None where that is not permitted."""
    name = f"autograder-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    for wanted in (
        _version_2(root, memory, processes),
        _version_1(root, memory, processes),
    ):
        made: list[Path] = []
        try:
            for parent, settings in wanted:
                _sweep(parent)
                folder = parent / name
                folder.mkdir()
                made.append(folder)
                for file, value in settings.items():
                    if (folder / file).exists():
                        (folder / file).write_text(value)
        except OSError:
            ControlGroup(made).remove(0.0)
            continue
        if made:
            return ControlGroup(made)
    return None


def sweep(patience: float = 0.0, root: Path = ROOT) -> None:
    """Remove the groups of graders that were killed, wherever ours would be made."""
    for plan in (_version_2(root, 0, 0), _version_1(root, 0, 0)):
        for parent, _ in plan:
            _sweep(parent, patience)


def _sweep(parent: Path, patience: float = 0.0) -> None:
    """Remove what graders that were killed have left; the owner is in the name."""
    for folder in parent.glob("autograder-*-*"):
        owner = folder.name.split("-")[1]
        if not Path("/proc", owner).exists():
            ControlGroup([folder]).remove(patience)


Plan = Iterator[tuple[Path, dict[str, str]]]


def _version_2(root: Path, memory: int, processes: int) -> Plan:
    """Find the nearest group above us that hands memory and pids down."""
    own = next((p for kinds, p in _memberships() if kinds == ""), None)
    if own is None:
        return
    start = root / own.lstrip("/")
    for folder in (start, *start.parents):
        try:
            handed = set((folder / "cgroup.subtree_control").read_text().split())
        except OSError:
            continue
        if {"memory", "pids"} <= handed and os.access(folder, os.W_OK):
            limits = {"memory.max": str(memory), "pids.max": str(processes)}
            yield folder, {**limits, "memory.swap.max": "0"}
            return


def _version_1(root: Path, memory: int, processes: int) -> Plan:
    for kind, settings in (
        ("memory", {"memory.limit_in_bytes": str(memory)}),
        ("pids", {"pids.max": str(processes)}),
    ):
        for kinds, path in _memberships():
            if kind in kinds.split(","):
                yield root / kind / path.lstrip("/"), settings


def _memberships() -> list[tuple[str, str]]:
    """Which groups this process is in: (controllers, path), "" for version 2."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    return [(line.split(":", 2)[1], line.split(":", 2)[2]) for line in lines]
