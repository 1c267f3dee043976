"""Claim: importing ``course_lib`` adds at most 0.15 s to importing torch.

    python benchmarks/import_time.py [--repeats 7]

Fresh interpreters, in alternating order: ``import torch`` alone; then also ``import
course_lib``, which imports its parts only when they are first used; and then also the
functions that the chapters use, from the kernels to ``train_ch6``. Each interpreter
reports the time from its first import to its last; one run before all, which also fills
the caches, is thrown away.
"""

import argparse
import statistics
import subprocess
import sys

from measured import note

CODE = {
    "import torch": "import torch",
    "import course_lib": "import torch, course_lib",
    "what the chapters use": (
        "import torch; from course_lib import corr2d, pool2d, output_size, LeNet, "
        "init_xavier, load_data_fashion_mnist, train_ch6, try_gpu, show_images"
    ),
}
TARGET = 0.15  # seconds


def seconds(code: str) -> float:
    """Run imports in a new interpreter; return how long they took there."""
    program = (
        "from time import perf_counter; started = perf_counter()\n"
        f"{code}\nprint(perf_counter() - started)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    for code in CODE.values():
        seconds(code)
    times: dict[str, list[float]] = {name: [] for name in CODE}
    for turn in range(repeats):
        for name in list(CODE) if turn % 2 == 0 else list(CODE)[::-1]:
            times[name].append(seconds(CODE[name]))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        runs = "  ".join(f"{value:.2f}" for value in values)
        print(f"{name:24}{medians[name]:6.3f} s   {runs}")
    print()
    alone = medians["import torch"]
    for claim, name in (("", "import course_lib"), ("/used", "what the chapters use")):
        # Of two interpreters that began one after the other: what both suffer cancels.
        pairs = zip(times[name], times["import torch"], strict=True)
        added = statistics.median(ours - torchs for ours, torchs in pairs)
        note(
            f"import_time{claim}",
            "s",
            {"import torch": alone, f"and {name}": alone + added},
            ratio=(alone + added) / alone,
            target=f"<= {alone + TARGET:.2f} s",
            detail=(
                f"adds {added:.3f} s, at most {TARGET} s wanted; medians of {repeats} "
                "fresh interpreters each, in turn"
            ),
        )


if __name__ == "__main__":
    main()
