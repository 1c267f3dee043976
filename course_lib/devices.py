"""Where tensors live, and how many processor threads may be used.

A container that may use two cores of a large host still *sees* all of them, and torch
then starts a thread for each, which slows it down several times. :func:`cpu_quota`
reads what the process may really use; :func:`limit_threads` hands it to torch.
"""

import math
import os
from collections.abc import Callable
from pathlib import Path

import torch


def try_gpu(i: int = 0) -> torch.device:
    """Give the i-th GPU if there is one, else the CPU.

    CUDA comes first; device 0 may also be Apple's GPU (MPS). Introduced in
    :doc:`/book/lenet`.

    Raises
    ------
    ValueError
        When ``i`` is negative.

    Examples
    --------
    >>> torch.ones(2, device=try_gpu()).sum().item()
    2.0
    """
    if i < 0:
        raise ValueError(f"try_gpu counts GPUs from 0; got i={i}")
    if i < torch.cuda.device_count():
        return torch.device("cuda", i)
    if i == 0 and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def try_all_gpus() -> list[torch.device]:
    """Give all CUDA GPUs, else Apple's GPU, else the CPU; never an empty list.

    Introduced in :doc:`/book/lenet`.

    Examples
    --------
    >>> len(try_all_gpus()) >= 1
    True
    """
    return [try_gpu(i) for i in range(max(1, torch.cuda.device_count()))]


def cpu_quota(root: str | Path = "/") -> int:
    """Give the number of processor cores that this process may use, at least 1.

    That is the least of what the machine has, what the process is pinned to, and what
    its container may spend (Linux control groups, version 2 or 1). Part of a core
    counts as a whole one. Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    root
        Folder that holds ``proc`` and ``sys``. Where they are missing or unreadable, as
        on macOS and Windows, only the machine and the pinning count.

    Examples
    --------
    >>> 1 <= cpu_quota() <= os.cpu_count()
    True
    """
    limits = [float(os.cpu_count() or 1)]
    if hasattr(os, "sched_getaffinity"):  # neither macOS nor Windows has it
        limits.append(len(os.sched_getaffinity(0)))
    limits += _control_group_limits(Path(root))
    return max(1, math.ceil(min(limits)))


def limit_threads(n: int | None = None, *, root: str | Path = "/") -> int:
    """Let torch use n threads, but never more than it is allowed; give the number set.

    Allowed is :func:`cpu_quota`, and ``OMP_NUM_THREADS`` where somebody has set it
    lower. Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    n
        The wish, at least 1; without it, all that is allowed.
    root
        As for :func:`cpu_quota`.

    Raises
    ------
    ValueError
        When ``n`` is less than 1.

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> limit_threads(1)
    1
    >>> torch.set_num_threads(before)
    """
    if n is not None and n < 1:
        raise ValueError(f"torch needs at least one thread; got n={n}")
    allowed = cpu_quota(root)
    wished = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wished.isdecimal():
        allowed = min(allowed, max(1, int(wished)))
    threads = allowed if n is None else min(n, allowed)
    torch.set_num_threads(threads)
    return threads


def _control_group_limits(root: Path) -> list[float]:
    """Give every limit in cores from this process's control group up to the top."""
    limits = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        # "0::/user.slice" (version 2) or "4:cpu,cpuacct:/docker/abc" (version 1)
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        group = path.strip("/")
        if controllers == "":
            limits += _climb(root / "sys/fs/cgroup", group, _version_2)
        elif "cpu" in controllers.split(","):
            for mount in {controllers, "cpu"}:
                limits += _climb(root / "sys/fs/cgroup" / mount, group, _version_1)
    return limits


def _climb(
    mount: Path, group: str, read_limit: Callable[[Path], float | None]
) -> list[float]:
    """Read a limit in every folder from the group up to the mount."""
    folder = mount / group
    # Inside a container the path may be the host's and lead nowhere: missing folders
    # give no limit, and the climb still ends at the mount, which is the container.
    folders = [folder, *folder.parents][: len(Path(group).parts) + 1]
    return [limit for limit in map(read_limit, folders) if limit is not None]


def _version_2(folder: Path) -> float | None:
    """Read ``cpu.max``: "200000 100000" is two cores, "max 100000" is no limit."""
    return _cores(*_read(folder / "cpu.max").split()[:2])


def _version_1(folder: Path) -> float | None:
    """Read the quota and the period of version 1; a quota of -1 is no limit."""
    return _cores(
        _read(folder / "cpu.cfs_quota_us").strip(),
        _read(folder / "cpu.cfs_period_us").strip(),
    )


def _cores(quota: str = "", period: str = "") -> float | None:
    """Divide a quota by its period, both in microseconds."""
    if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
        return int(quota) / int(period)
    return None


def _read(file: Path) -> str:
    """Read a small system file; a missing or forbidden one reads as empty."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
