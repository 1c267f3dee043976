"""Claim: the unfolded operators take at most twice as long as torch's own.

    python benchmarks/vectorised_operators.py [--repeats 11]

``corr2d_unfolded``, ``corr2d_multi_in_out_unfolded`` and ``pool2d_unfolded`` against
``F.conv2d``, ``F.max_pool2d`` and ``F.avg_pool2d``: images of 28 to 256 pixels a side,
windows of 2, 3 and 5, one to sixteen channels, float32, one thread, no gradients. The
two take turns in alternating order; each time is a median of them. Both sides count
what a caller needs to get from an image to its answer, checks and added axes included.
Counted is processor time, which on one thread is the wall's, less what other programs
take meanwhile. Before all, one large tensor is freed, as any program has done that has
loaded a data set: from then on glibc keeps freed memory, and neither side is charged
for fetching it again.
"""

import argparse
import os
import statistics
from collections.abc import Callable, Iterator
from itertools import product
from time import thread_time
from typing import NamedTuple

import torch
from measured import note
from torch import Tensor
from torch.nn import functional as F

import course_lib as d2l

SIDES = (28, 64, 128, 256)
WINDOWS = (2, 3, 5)
CHANNELS = (1, 3, 16)
TURN = 0.001  # seconds that one side works before the other's turn, if it is quick

Act = Callable[[], Tensor]


class Case(NamedTuple):
    """One comparison: whose, of what, and the two acts."""

    operator: str
    setting: str
    torchs: Act
    ours: Act


def correlations() -> Iterator[Case]:
    for size, k in product(SIDES, WINDOWS):
        X, K = torch.rand(size, size), torch.rand(k, k)
        yield Case(
            "corr2d",
            f"{size}×{size}, {k}×{k}",
            lambda X=X, K=K: F.conv2d(X[None, None], K[None, None])[0, 0],
            lambda X=X, K=K: d2l.corr2d_unfolded(X, K),
        )
    for size, k, c_i, c_o in product(SIDES, WINDOWS, CHANNELS, CHANNELS):
        X, K = torch.rand(c_i, size, size), torch.rand(c_o, c_i, k, k)
        yield Case(
            "corr2d_multi_in_out",
            f"{size}×{size}, {k}×{k}, {c_i} → {c_o} channels",
            lambda X=X, K=K: F.conv2d(X[None], K)[0],
            lambda X=X, K=K: d2l.corr2d_multi_in_out_unfolded(X, K),
        )


def poolings() -> Iterator[Case]:
    for size, k, mode in product(SIDES, WINDOWS, ("max", "avg")):
        X = torch.rand(size, size)
        pool = {"max": F.max_pool2d, "avg": F.avg_pool2d}[mode]
        yield Case(
            "pool2d",
            f"{size}×{size}, {k}×{k}, {mode}",
            lambda X=X, k=k, pool=pool: pool(X[None, None], k, stride=1)[0, 0],
            lambda X=X, k=k, mode=mode: d2l.pool2d_unfolded(X, k, mode),
        )


def microseconds(act: Act, times: int) -> float:
    started = thread_time()
    for _ in range(times):
        act()
    return (thread_time() - started) / times * 1e6


def compare(case: Case, repeats: int) -> tuple[float, float]:
    """Time both, in turns; return the medians of torch's and of ours."""
    torch.testing.assert_close(case.ours(), case.torchs(), rtol=1e-4, atol=1e-4)
    acts = (case.torchs, case.ours)
    times = [max(1, int(TURN * 1e6 / microseconds(act, 3))) for act in acts]
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        for side in (0, 1) if turn % 2 == 0 else (1, 0):
            taken[side].append(microseconds(acts[side], times[side]))
    return statistics.median(taken[0]), statistics.median(taken[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=11)
    repeats = parser.parse_args().repeats
    d2l.limit_threads(1)
    torch.manual_seed(0)
    torch.empty(2**25 - 2**16, dtype=torch.uint8)  # glibc learns from up to 32 MiB
    print(f"torch {torch.__version__}, {os.cpu_count()} processors, one thread\n")
    print(f"{'µs':58}{'torch':>10}{'unfolded':>10}{'ratio':>8}")
    results: dict[str, list[tuple[float, float, float, str]]] = {}
    with torch.no_grad():
        for case in (*correlations(), *poolings()):
            theirs, ours = compare(case, repeats)
            row = (ours / theirs, theirs, ours, case.setting)
            results.setdefault(case.operator, []).append(row)
            name = f"{case.operator}, {case.setting}"
            print(f"{name:58}{theirs:10.1f}{ours:10.1f}{row[0]:8.2f}", flush=True)
    print()
    for operator, rows in results.items():
        ratio, theirs, ours, setting = max(rows)
        middle = statistics.median(row[0] for row in rows)
        note(
            f"vectorised_operators/{operator}",
            "µs",
            {"torch": theirs, f"{operator}_unfolded": ours},
            ratio=ratio,
            target="<= 2",
            detail=(
                f"the least favourable of {len(rows)} settings, {setting}; the median "
                f"ratio is {middle:.2f}; medians of {repeats} turns, one thread"
            ),
        )


if __name__ == "__main__":
    main()
