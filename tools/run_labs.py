"""Make the labs' training runs anew: course_lib/runs/*.json, which the pages read.

    python tools/run_labs.py [--jobs N] [plateau] [to-today]

A lab's page holds the code of its runs, in the cells tagged `recipe`; they are executed
here, so that what a page shows is what was run. Each run is kept in _build/labs until
its recipe changes: a call that was interrupted goes on where it stopped. Every run uses
one thread, whatever the machine has.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import pathlib
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import Any

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
LABS = ROOT / "book" / "labs"
RUNS = ROOT / "course_lib" / "runs"  # in the package: a page may run without the rest
KEPT = ROOT / "_build" / "labs"
SEEDS = (0, 1, 2)

CELL = re.compile(r"^```\{code-cell\} python3\n(.*?)^```$", re.M | re.S)
TAGS = re.compile(r"^:tags: \[(.*)\]\n", re.M)


# -- recipes ---------------------------------------------------------------------------


def recipe(lab: str) -> str:
    """Return the code of a page's cells that are tagged `recipe`, in order."""
    text = (LABS / f"{lab}.md").read_text(encoding="utf-8")
    cells = []
    for cell in CELL.findall(text):
        tags = TAGS.search(cell)
        if tags and "recipe" in tags[1].split(", "):
            cells.append(TAGS.sub("", cell).strip())
    return "\n\n\n".join(cells) + "\n"


def fingerprint(lab: str) -> str:
    """Hash what the recipe does: layout, comments and docstrings do not count."""
    tree = ast.parse(recipe(lab))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12]


def names(lab: str) -> dict[str, Any]:
    """Execute the recipe; return what it defines."""
    defined: dict[str, Any] = {}
    exec(compile(recipe(lab), f"{lab}.md", "exec"), defined)
    torch.set_num_threads(1)
    return defined


# -- why does LeNet sit at chance? -----------------------------------------------------

RATES = (0.03, 0.1, 0.3, 0.9, 2.7)
REPEATED = (  # the page says how much these differ from seed to seed
    ("sigmoid", "Xavier", 0.9),
    ("sigmoid", "Xavier × 4", 0.9),
    ("tanh", "Xavier", 0.1),
    ("ReLU", "He", 0.1),
)
BINS = 20
# What a histogram shows; larger values count in its last bin.
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "ReLU": (0.0, 2.0)}


def plateau_settings() -> Iterator[dict[str, Any]]:
    """List every activation × initialisation × learning rate; some with every seed."""
    page = names("plateau")
    first, *others = SEEDS
    every = list(product(page["ACTIVATIONS"], page["INITS"], RATES))
    for seed, triples in [(first, every), *((seed, REPEATED) for seed in others)]:
        for activation, init, lr in triples:
            yield dict(activation=activation, init=init, lr=lr, seed=seed)


def plateau_run(activation: str, init: str, lr: float, seed: int) -> dict[str, Any]:
    """Train once; only the first seed's run is remembered in detail."""
    page = names("plateau")
    images, labels = page["test_set"].images[:, None] / 255, page["test_set"].labels

    def watch(net: torch.nn.Module) -> dict[str, Any]:
        values, scores, gradients = page["look"](net, images, labels)
        seen: dict[str, Any] = {
            "test_acc": three(page["d2l"].accuracy(scores, labels) / len(labels))
        }
        if seed == SEEDS[0]:
            low, high = RANGES[activation]
            seen["gradients"] = [three(g.norm().item()) for g in gradients]
            seen["spreads"] = [three(page["spread"](v)) for v in [*values, scores]]
            seen["histograms"] = [permille(v, low, high) for v in values]
        return seen

    torch.manual_seed(seed)
    net = page["make_net"](activation, init)
    losses, accuracies, seen = page["train"](net, lr, watch=watch)
    result = {
        "steps_at_chance": page["steps_at_chance"](losses),
        "last_loss": three(page["smooth"](losses)[-1]),
        "test_acc": [moment.pop("test_acc") for moment in seen],
    }
    if seed == SEEDS[0]:
        result |= {
            "loss": [three(x) for x in page["smooth"](losses)],
            "acc": [three(x) for x in page["smooth"](accuracies)],
            "moments": seen,
        }
    return result


def three(number: float) -> float | None:
    """Round to three significant digits; None stands for what is no finite number."""
    return float(f"{number:.3g}") if abs(number) < float("inf") else None


def permille(values: torch.Tensor, low: float, high: float) -> list[int]:
    """Count into bins from low to high, as shares of 1000."""
    finite = values.nan_to_num(high, high, low).clamp(low, high)
    share = torch.histc(finite, BINS, low, high) / finite.numel()
    return [round(1000 * x) for x in share.tolist()]


# -- from LeNet to today ---------------------------------------------------------------


def today_settings() -> Iterator[dict[str, Any]]:
    """List every rung of the ladder, for each seed."""
    for seed in SEEDS:
        for name, _ in names("to-today")["ladder"]():
            yield dict(rung=name, seed=seed)


def today_run(rung: str, seed: int) -> dict[str, Any]:
    """Train one rung's network on the full data."""
    page = names("to-today")
    settings = dict(page["ladder"]())[rung]
    shape = {k: settings.pop(k) for k in list(settings) if k in SHAPE}
    torch.manual_seed(seed)
    net = page["make_net"](**shape)
    ledger = page["d2l"].cost_ledger(net, (1, 1, 28, 28))
    return {
        "test_acc": page["train"](net, **settings),
        "parameters": ledger.parameters,
        "multiply_adds": ledger.multiply_adds,
    }


SHAPE = ("activation", "pool", "norm", "width")


# -- all labs --------------------------------------------------------------------------

Settings = Callable[[], Iterator[dict[str, Any]]]
WORK: dict[str, tuple[Settings, Callable[..., dict[str, Any]]]] = {
    "plateau": (plateau_settings, plateau_run),
    "to-today": (today_settings, today_run),
}


def run_once(lab: str, settings: dict[str, Any], print_: str) -> dict[str, Any]:
    """Do one run, or read it if it was done with this recipe; note what it took."""
    name = hashlib.sha256(json.dumps([print_, settings]).encode()).hexdigest()[:16]
    kept = KEPT / lab / f"{name}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    start = time.process_time()  # by the clock it would depend on the neighbours
    result = settings | WORK[lab][1](**settings)
    result["cpu_seconds"] = round(time.process_time() - start, 1)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(kept)
    return result


def write(lab: str, runs: list[dict[str, Any]]) -> pathlib.Path:
    """Write a lab's runs, one a line, and what they were made with."""
    head = {
        "made_by": "make labs-runs",
        "recipe": fingerprint(lab),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "threads": 1,
        "seeds": list(SEEDS),
        "cpu_seconds": round(sum(run["cpu_seconds"] for run in runs)),
    }
    if lab == "plateau":
        head |= {"moments": list(names(lab)["MOMENTS"]), "ranges": RANGES, "bins": BINS}
    lines = [f"{json.dumps(k)}: {json.dumps(v)}," for k, v in head.items()]
    runs = [{k: v for k, v in run.items() if k != "seconds"} for run in runs]
    body = ",\n".join(json.dumps(run, separators=(",", ":")) for run in runs)
    path = RUNS / f"{lab}.json"
    path.parent.mkdir(exist_ok=True)
    text = "\n".join(["{", *lines, '"runs": [', body, "]}"]) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def main(arguments: list[str] | None = None) -> int:
    """Run what is not yet there and write one file for each lab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", help=f"of {', '.join(WORK)}; default all")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(arguments)
    for lab in options.labs:
        if lab not in WORK:
            parser.error(f"there is no lab {lab!r}; there are {', '.join(WORK)}")
    for lab in options.labs or WORK:
        settings, print_ = list(WORK[lab][0]()), fingerprint(lab)
        runs = []
        with ProcessPoolExecutor(options.jobs) as pool:
            waiting = [pool.submit(run_once, lab, one, print_) for one in settings]
            for number, done in enumerate(waiting, start=1):
                runs.append(done.result())
                what = ", ".join(f"{k} {v}" for k, v in settings[number - 1].items())
                print(f"{lab} {number}/{len(waiting)}: {what}", flush=True)
        print(write(lab, runs).relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
