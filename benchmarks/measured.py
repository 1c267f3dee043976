"""Prints what a benchmark measured, and keeps it for the book's page.

A benchmark ends with one call of :func:`note` for each claim. ``make bench`` sets
``RECORD=1`` in the environment, and then each call also writes a file that is committed
and that ``book/benchmarks.md`` draws; without it, nothing is written. The files lie
inside ``course_lib``, so that they come along wherever a reader runs the page.
"""

import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

RECORDS = Path(__file__).resolve().parent.parent / "course_lib" / "measurements"
GRAMMAR = re.compile(
    r"(?P<sign>>=|≥|<=|≤)\s*(?P<number>\d[\d,]*(?:\.\d+)?)(?P<unit>.*)"
)


class Target(NamedTuple):
    """What should come out: ``>= 3`` of the ratio, ``<= 0.15 s`` of the last side."""

    at_least: bool
    number: float
    unit: str
    text: str

    @classmethod
    def read(cls, text: str) -> "Target":
        """Read it; a ValueError says what would have been a target."""
        found = GRAMMAR.fullmatch(text.strip())
        if not found:
            raise ValueError(
                f"target must be such as '>= 3' (of the ratio) or '<= 0.15 s' (of the "
                f"last side); got {text!r}"
            )
        sign = found["sign"].replace(">=", "≥").replace("<=", "≤")
        number, unit = found["number"], found["unit"].strip()
        said = f"{sign} {number} {unit}".rstrip()
        return cls(sign == "≥", float(number.replace(",", "")), unit, said)


def note(
    name: str,
    unit: str,
    sides: Mapping[str, float],
    *,
    ratio: float,
    target: str,
    limit: float | None = None,
    detail: str = "",
) -> dict:
    """Print a comparison side by side, record it if ``RECORD=1``, and return it.

    A benchmark calls this once per claim, when everything is measured. If the
    environment says ``RECORD=1``, as ``make bench`` does, the record is written to
    ``course_lib/measurements/``, a slash in the name becoming a hyphen.

    Parameters
    ----------
    name
        The benchmark's file, and after a slash which of its claims, such as
        ``grading_throughput/lenet``.
    unit
        Of the sides: ``s``, ``examples/s``, ``GB``.
    sides
        Label to median. First what the claim compares with, last what it is about.
    ratio
        The claim's number, without a unit; the benchmark computes it, as only that
        knows which way round it is meant.
    target
        ``>= 3`` or ``<= 2`` judges the ratio; ``<= 0.15 s``, in the unit of the sides,
        judges the last side.
    limit
        Where the target lies on the scale of the sides, for the chart. Left out, it
        follows from the target: that of the last side.
    detail
        A sentence on how it was measured: how many repeats, of what.

    Raises
    ------
    ValueError
        When there is no side, a number is not finite or not above zero, or the target
        cannot be read.

    Examples
    --------
    >>> record = note("naps", "s", {"cat": 3.0, "dog": 1.5}, ratio=2.0, target=">= 1.5")
    naps                                              cat        3.00 s
                                                      dog        1.50 s
                                                      ratio 2.00, target ≥ 1.5: met
    >>> record["limit"]
    2.0
    """
    wanted = Target.read(target)
    for label, value in {**sides, "ratio": ratio}.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}: {label} must be a number above 0; got {value}")
    if not sides:
        raise ValueError(f"{name}: sides is empty; give at least what was measured")
    if wanted.unit not in ("", unit):
        raise ValueError(
            f"{name}: the target {target!r} counts in {wanted.unit!r}, the sides in "
            f"{unit!r}; use that, or no unit to judge the ratio"
        )
    judged = list(sides.values())[-1] if wanted.unit else ratio
    met = judged >= wanted.number if wanted.at_least else judged <= wanted.number
    record = {
        "name": name,
        "unit": unit,
        "sides": [[label, rounded(value)] for label, value in sides.items()],
        "ratio": rounded(ratio),
        "target": wanted.text,
        "limit": rounded(limit_of(sides, ratio, wanted) if limit is None else limit),
        "met": met,
        "detail": detail,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
    }
    print(lines(record), flush=True)
    if os.environ.get("RECORD") == "1":
        keep(record)
    return record


def limit_of(sides: Mapping[str, float], ratio: float, target: Target) -> float:
    """Return the value of the last side with which it would just meet the target."""
    *others, ours = sides.values()
    if target.unit:
        return target.number
    grows_with_ours = not others or (ours >= others[0]) == (ratio >= 1)
    change = target.number / ratio
    return ours * change if grows_with_ours else ours / change


def lines(record: Mapping) -> str:
    """Write a record as lines: the sides, below one another, and the ratio."""
    wide = max(len(label) for label, _ in record["sides"])
    said = [
        f"{label:{wide}}{number(value):>12} {record['unit']}"
        for label, value in record["sides"]
    ]
    verdict = "met" if record["met"] else "missed"
    said.append(
        f"ratio {number(record['ratio'])}, target {record['target']}: {verdict}"
    )
    if record["detail"]:
        said.append(record["detail"])
    names = [record["name"], *[""] * (len(said) - 1)]
    return "\n".join(f"{name:50}{line}" for name, line in zip(names, said, strict=True))


def number(value: float) -> str:
    """Write three digits, or the whole number if it has more.

    Examples
    --------
    >>> [number(x) for x in (17423.4, 21.44, 3.0, 0.0123, 20)]
    ['17,423', '21.4', '3.00', '0.0123', '20.0']
    """
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:#.3g}"


def rounded(value: float) -> float:
    """Keep five digits: more would only make every line of a record differ."""
    return float(f"{value:.5g}")


def keep(record: Mapping) -> Path:
    """Write a record, as text that changes only where the numbers do."""
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{record['name'].replace('/', '-')}.json"
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def busy_seconds() -> float:
    """CPU seconds that this machine has computed since it started, on Linux.

    Of all processes, so that it takes an idle machine: what ends together with its
    process namespace, as a sandbox does, is counted by the kernel nowhere else.
    """
    kinds = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft = map(int, kinds[:7])
    ticks = user + nice + system + interrupts + soft
    return ticks / os.sysconf("SC_CLK_TCK")


def machine() -> dict:
    """Describe this machine in words and numbers."""
    from course_lib import cpu_quota  # imports torch: not before something is measured

    return {
        "processor": processor(),
        "cores": cpu_quota(),
        "memory_gb": round(memory() / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def processor() -> str:
    """Name the processor's model, which Python itself says on few systems."""
    told = Path("/proc/cpuinfo")
    if told.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", told.read_text(), re.MULTILINE)
        if found:
            return " ".join(found[1].split())
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip():
            return done.stdout.strip()
    return platform.processor() or platform.machine()


def memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
