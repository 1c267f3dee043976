"""Claim: ``train_ch6`` with our loader is three times as fast as the book's recipe.

    python benchmarks/training_throughput.py [--epochs 1] [--repeats 3] [--threads N]

The recipe is the outline's: torchvision's Fashion-MNIST with ``ToTensor``, a
``DataLoader`` that shuffles, with the better of 0 and 4 workers, and the loop that
reads the loss and the accuracy of every batch. Ours is ``course_lib.train_ch6`` with
``load_data_fashion_mnist``. Both train the same LeNet with the same optimiser on the
same files, one after the other in one process, in alternating order.

Examples per second count wall-clock time from asking for the first batch of an epoch
to the end of its last step, on both sides: data loading counts, evaluation does not.
Before timing, both sides are given the same batches from the same seed, and their
losses must agree to 1e-4.
"""

import argparse
import gzip
import os
import statistics
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter

import torch
from measured import note
from torch import nn
from torch.utils.data import DataLoader

import course_lib as d2l

BATCH_SIZE, LR = 256, 0.9


# -- the outline's recipe --------------------------------------------------------------


def torchvision_dataset(folder: Path) -> torch.utils.data.Dataset:
    """Make torchvision's training set from the files that our loader found."""
    from torchvision import datasets, transforms

    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    source = Path(d2l.fashion_mnist("train").source)
    if not source.is_dir():
        raise SystemExit("this benchmark needs the full Fashion-MNIST; see the README")
    for path in source.glob("*-ubyte*"):
        contents = path.read_bytes()
        if path.suffix == ".gz":  # torchvision reads the unpacked files
            contents = gzip.decompress(contents)
        (raw / path.name.removesuffix(".gz")).write_bytes(contents)
    return datasets.FashionMNIST(
        str(folder), train=True, transform=transforms.ToTensor()
    )


def recipe(net: nn.Module, train_iter: Iterable, num_epochs: int, device: torch.device):
    """Train as the outline does; return the mean losses and the seconds spent."""
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=LR)
    loss = nn.CrossEntropyLoss()
    losses, seconds = [], 0.0
    for _ in range(num_epochs):
        metric = d2l.Accumulator(3)
        net.train()
        started = perf_counter()
        for X, y in train_iter:
            optimizer.zero_grad()
            X, y = X.to(device), y.to(device)
            y_hat = net(X)
            batch_loss = loss(y_hat, y)
            batch_loss.backward()
            optimizer.step()
            with torch.no_grad():
                metric.add(batch_loss * X.shape[0], d2l.accuracy(y_hat, y), X.shape[0])
        seconds += perf_counter() - started
        losses.append(metric[0] / metric[2])
    return losses, seconds


def new_net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return d2l.LeNet().apply(d2l.init_xavier)


# -- the comparison --------------------------------------------------------------------


def check_same_curve(device: torch.device) -> float:
    """Train both ways on the same batches; return how far the losses are apart."""
    first = d2l.load_data_fashion_mnist(BATCH_SIZE, seed=0)
    losses, _ = recipe(new_net(), first[0], 2, device)
    again = d2l.load_data_fashion_mnist(BATCH_SIZE, seed=0)
    history = d2l.train_ch6(new_net(), *again, 2, LR, device, init=False, verbose=False)
    pairs = zip(losses, history.train_loss, strict=True)
    apart = max(abs(a - b) for a, b in pairs)
    if apart > 1e-4:
        raise SystemExit(f"the loss curves are {apart:.2e} apart; the timing is void")
    return apart


def measure(
    ways: dict[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Examples per second of each way, ``repeats`` times, in alternating order."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats):
        order = list(ways) if turn % 2 == 0 else list(ways)[::-1]
        for name in order:
            rates[name].append(ways[name]())
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    threads = d2l.limit_threads(options.threads)
    device = d2l.try_gpu()

    print(f"{os.cpu_count()} processors, {d2l.cpu_quota()} allowed, {threads} threads")
    print(
        f"device {device}, torch {torch.__version__}, {options.epochs} epoch(s) a run"
    )
    print(f"same seed, same losses: at most {check_same_curve(device):.1e} apart\n")

    train_iter, test_iter = d2l.load_data_fashion_mnist(BATCH_SIZE)
    few = [next(iter(test_iter))]  # evaluation is not timed, so let it be short
    examples = options.epochs * train_iter.num_examples

    def ours() -> float:
        history = d2l.train_ch6(
            new_net(), train_iter, few, options.epochs, LR, device, verbose=False
        )
        return history.examples_per_sec

    with tempfile.TemporaryDirectory() as folder:
        dataset = torchvision_dataset(Path(folder))

        def theirs(workers: int) -> Callable[[], float]:
            loader = DataLoader(dataset, BATCH_SIZE, shuffle=True, num_workers=workers)
            return lambda: (
                examples / recipe(new_net(), loader, options.epochs, device)[1]
            )

        rates = measure(
            {
                "recipe, 0 workers": theirs(0),
                "recipe, 4 workers": theirs(4),
                "course_lib.train_ch6": ours,
            },
            options.repeats,
        )
    report(rates, threads)


def report(rates: dict[str, list[float]], threads: int) -> None:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"{'':22}{'median':>10}  examples/sec of each run")
    for name, values in rates.items():
        runs = "  ".join(f"{value:.0f}" for value in values)
        print(f"{name:22}{medians[name]:10.0f}  {runs}")
    *recipes, ours = medians.values()
    print()
    note(
        "training_throughput",
        "examples/s",
        {f"outline's {name}": rate for name, rate in medians.items() if "rec" in name}
        | {"train_ch6": ours},
        ratio=ours / max(recipes),
        target=">= 3",
        detail=(
            f"LeNet on Fashion-MNIST, batches of {BATCH_SIZE}, {threads} threads; "
            f"medians of {len(rates['course_lib.train_ch6'])} runs; data loading counts"
        ),
    )


if __name__ == "__main__":
    main()
