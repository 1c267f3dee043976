"""A room played in the zygote, before any student's: what runs often is then prepared.

Python counts how often a function has run and rewrites its instructions as it learns
what they meet. Both write to memory that a room shares until then, and each page that
is written to is a page to copy, for every room anew.
"""

from __future__ import annotations

import builtins
import linecache
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import torch

from autograder.execution import Notebook
from autograder.host import Desk, forget_cells
from autograder.memory import code_together
from autograder.probes import Batches, Net
from autograder.wire import Channel, pack

TIMES = 12  # Python's counters have run out after 8, most caches are filled after 2
CELL = """\
import torch
from torch import nn

def total(X, K, scale=1.0):
    \"\"\"Add up what a window covers, at each of its places.\"\"\"
    h, w = K.shape
    Y = torch.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = scale * (X[i:i + h, j:j + w] * K).sum()
    return Y

def train(net, data, device, optimized):
    for layer in net:
        if type(layer) in (nn.Linear, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
    net.to(device).train()
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1) if optimized else net
    for X, y in data:
        optimizer.zero_grad()
        l = loss(net(X.to(device)), y.to(device))
        l.backward()
        if optimized:
            optimizer.step()
    net.eval()
    with torch.no_grad():
        hits = (net(X).argmax(dim=1) == y).sum()
    return float(l), hits.item() / y.numel()

def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(3, 2))
"""


def rehearse(optimizers: bool = False) -> None:
    """Ask a room's questions and answer them, all in this process; leave no trace.

    With ``optimizers`` it trains, too: the first optimiser of a process imports 600
    modules.
    """
    play(optimizers)  # which imports what is needed
    with code_together():
        play(optimizers)
        Notebook.rehearse()
    for _ in range(TIMES):
        play(optimizers)
    Notebook.rehearse()  # last, because tracebacks look through all modules


def play(optimizers: bool) -> None:
    """Ask and answer each question once."""
    asking, answering = map(Channel, socket.socketpair())
    with _without_a_trace(), closing(asking), closing(answering):
        desk = Desk()
        for request, arguments in questions(optimizers):
            node, payload = pack(arguments)
            asking.send({**request, "arguments": node}, payload)
            answer, payload = desk.answer(*answering.receive())
            if set(answer) - {"value", "events"}:
                raise RuntimeError(f"{request['do']} went wrong: {answer}")
            answering.send(answer, payload)
            asking.receive()


def questions(optimizers: bool) -> Iterator[tuple[dict[str, Any], Any]]:
    """List requests with their arguments, as checks make them."""
    X, K, images = torch.ones(3, 3), torch.ones(2, 2), torch.ones(4, 1, 12, 12)
    layers = [("Conv2d", 1, 2, 5), ("Sigmoid",), ("AvgPool2d", 2), ("Flatten",)]
    net = Net([*layers, ("Linear", 32, 3)])
    batches = Batches(images, torch.tensor([0, 1, 2, 0]), 2)
    yield {"do": "load", "cells": [{"id": __name__, "source": CELL}]}, None
    for do, name, *arguments in (
        ("call", "total", [X, K], {}, None),
        ("observe", "total", [X, K], {"scale": 2.0}, K),
        ("observe", "train", [net, batches, "cpu", optimizers], {}, None),
        ("new", "net", [], {}, None),
        ("method", "layers", [], {}, None),
        ("method", "call", [X], {}, None),
    ):
        yield {"do": do, "name": name, "seed": 0, "handle": 0}, tuple(arguments)


@contextmanager
def _without_a_trace() -> Iterator[None]:
    """Take back what a room leaves in its process: a room has it to itself."""
    main, told = sys.modules["__main__"], dict(vars(builtins))
    try:
        yield
    finally:
        forget_cells()
        linecache.cache.pop(f"<{__name__}>", None)
        for name in set(vars(builtins)) - set(told):
            delattr(builtins, name)
        vars(builtins).update(told)
        sys.modules["__main__"] = main
