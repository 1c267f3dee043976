"""Networks and data as descriptions, and a record of what a function does with them.

A check sends a :class:`Net` and :class:`Batches` instead of modules and loaders. They
are made real in the sandbox for the student's function, and here for the reference, by
this same code, so that two runs can be compared event by event.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

LAYERS = frozenset(
    "Linear Conv2d Flatten Sigmoid ReLU LeakyReLU Tanh AvgPool2d MaxPool2d "
    "BatchNorm1d BatchNorm2d Dropout Identity".split()
)


class Net:
    """A network as a list of ``torch.nn`` layers, with its weights.

    Parameters
    ----------
    layers : sequence of tuples
        ``("Linear", 16, 8)``: a name out of ``LAYERS``, then the layer's positional
        arguments; a final dict holds keyword arguments.
    seed : int
        Seeds the initial weights.
    training, dirty_grads : bool
        The mode in which the network is handed over, and whether old gradients are
        left in it.

    Examples
    --------
    >>> Net([("Flatten",), ("Linear", 4, 2)]).build()
    Sequential(
      (0): Flatten(start_dim=1, end_dim=-1)
      (1): Linear(in_features=4, out_features=2, bias=True)
    )
    """

    def __init__(
        self,
        layers: Sequence[tuple[Any, ...]],
        *,
        seed: int = 0,
        training: bool = True,
        dirty_grads: bool = False,
        weights: Mapping[str, torch.Tensor] | None = None,
    ):
        self.layers = [tuple(layer) for layer in layers]
        self.training = training
        self.dirty_grads = dirty_grads
        if weights is None:
            with torch.random.fork_rng(devices=[]):
                _seed(seed)
                weights = self._modules().state_dict()
        self.weights = {name: w.detach().clone() for name, w in weights.items()}

    def build(self) -> nn.Sequential:
        """Make the module."""
        net = self._modules()
        net.load_state_dict(self.weights)
        net.train(self.training)
        if self.dirty_grads:
            for parameter in net.parameters():
                parameter.grad = torch.ones_like(parameter)
        return net

    def _modules(self) -> nn.Sequential:
        return nn.Sequential(*(_layer(*layer) for layer in self.layers))

    def __wire__(self) -> tuple[str, dict[str, Any]]:
        """How the description crosses the wire."""
        return "net", {
            "layers": [list(layer) for layer in self.layers],
            "training": self.training,
            "dirty_grads": self.dirty_grads,
            "weights": self.weights,
        }


def _layer(name: str, *arguments: Any) -> nn.Module:
    if name not in LAYERS:
        raise ValueError(f"layer {name!r} is not one of {', '.join(sorted(LAYERS))}")
    keywords = {}
    if arguments and isinstance(arguments[-1], dict):
        *arguments, keywords = arguments  # type: ignore[assignment]
    kind: Callable[..., nn.Module] = getattr(nn, name)
    return kind(
        *(tuple(a) if isinstance(a, list) else a for a in arguments), **keywords
    )


class Batches:
    """Data that can be iterated again and again, as a loader can.

    Yields ``(X[i:j], y[i:j])`` in order, ``batch_size`` at a time; the last batch may
    be smaller.

    >>> X, y = torch.zeros(5, 1, 2, 2), torch.arange(5)
    >>> [len(labels) for _, labels in Batches(X, y, 2)]
    [2, 2, 1]
    """

    def __init__(self, X: torch.Tensor, y: torch.Tensor, batch_size: int):
        self.X, self.y, self.batch_size = X, y, batch_size
        self._log: Callable[[str, torch.Tensor | None], None] = lambda kind, X: None

    def __len__(self) -> int:
        return -(-len(self.X) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        self._log("pass", None)
        for start in range(0, len(self.X), self.batch_size):
            stop = start + self.batch_size
            X, y = self.X[start:stop].clone(), self.y[start:stop].clone()
            self._log("batch", X)
            yield X, y

    def __wire__(self) -> tuple[str, dict[str, Any]]:
        """How the description crosses the wire."""
        return "batches", {"X": self.X, "y": self.y, "batch_size": self.batch_size}


BUILDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "net": lambda fields: Net(**fields),
    "batches": lambda fields: Batches(**fields),
}


@dataclass(frozen=True)
class Event:
    """One thing that a probe saw.

    ``kind`` is ``"forward"``, ``"mode"`` (of network number ``index``), ``"pass"``,
    ``"batch"`` (of data number ``index``) or ``"step"`` (of an optimiser).
    """

    kind: str
    index: int = 0
    training: bool = False
    grad: bool = False
    size: int = 0
    total: float = 0.0
    detail: str = ""


@dataclass
class NetState:
    """A network after the call."""

    weights: dict[str, torch.Tensor]
    training: bool
    grads: dict[str, torch.Tensor | None]


@dataclass
class Observed:
    """What a call returned and did."""

    value: Any = None
    inputs: list[torch.Tensor] = field(default_factory=list)
    aliases: list[bool] = field(default_factory=list)
    requires_grad: bool = False
    grads: list[torch.Tensor | None] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    nets: list[NetState] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


MAX_EVENTS = 2_000


class _Spy(TorchDispatchMode):
    """Notes the name of every ATen operator that runs."""

    def __init__(self, seen: set[str]):
        super().__init__()
        self.seen = seen

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip it would import it, for a second; nothing is compiled

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.seen.add(func._schema.name.partition("::")[2])
        return func(*args, **(kwargs or {}))


def observe(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    seed: int = 0,
    cotangent: torch.Tensor | None = None,
) -> Observed:
    """Call a function on descriptions and values, and report what it did."""
    settle(seed)
    seen = Observed()
    run = _Run(seen.events, track=cotangent is not None)
    args = [run.make(a) for a in args]
    kwargs = {name: run.make(a) for name, a in kwargs.items()}
    step = register_optimizer_step_pre_hook(run.step)
    try:
        with warnings.catch_warnings(record=True) as caught, _Spy(seen.operators):
            warnings.simplefilter("always")
            seen.value = function(*args, **kwargs)
    finally:
        step.remove()
    seen.warnings = [str(w.message)[:200] for w in caught[:20]]
    _look_at_result(seen, run.tensors, cotangent)
    seen.inputs = [t.detach() for t in run.tensors]
    seen.nets = [_state_of(net) for net in run.nets]
    return seen


def settle(seed: int) -> None:
    """Undo what earlier code may have set: seeds, default dtype, threads, grad mode."""
    import random

    import numpy

    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    _seed(seed)
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(1)
    torch.set_grad_enabled(True)
    torch.set_deterministic_debug_mode(0)


def _seed(seed: int) -> None:
    """Seed the numbers that are drawn on the CPU; there is no other device here.

    ``torch.manual_seed`` keeps a stack trace for each kind of device that might come.
    """
    torch.default_generator.manual_seed(seed)


class _Run:
    """Makes arguments real for one call, with probes attached."""

    def __init__(self, events: list[Event], *, track: bool):
        self.events = events
        self.track = track
        self.tensors: list[torch.Tensor] = []
        self.nets: list[nn.Module] = []
        self.batches = 0

    def make(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if self.track and value.is_floating_point():
                value = value.detach().clone().requires_grad_(True)
            self.tensors.append(value)
        elif isinstance(value, Net):
            return self.attach(value.build())
        elif isinstance(value, nn.Module):
            return self.attach(value)
        elif isinstance(value, Batches):
            return self.attend(value)
        elif isinstance(value, list | tuple):
            return type(value)(self.make(v) for v in value)
        elif isinstance(value, dict):
            return {k: self.make(v) for k, v in value.items()}
        return value

    def attach(self, net: nn.Module) -> nn.Module:
        index = len(self.nets)
        self.nets.append(net)
        switch = net.train

        def forward(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            X = inputs[0]
            flags = {"training": module.training, "grad": torch.is_grad_enabled()}
            self.log("forward", index, size=len(X), total=float(X.sum()), **flags)

        def train(mode: bool = True) -> nn.Module:
            self.log("mode", index, training=bool(mode))
            return switch(mode)

        net.register_forward_pre_hook(forward)
        net.train = train  # type: ignore[method-assign]
        return net

    def attend(self, batches: Batches) -> Batches:
        index, self.batches = self.batches, self.batches + 1
        watched = Batches(batches.X, batches.y, batches.batch_size)

        def log(kind: str, X: torch.Tensor | None) -> None:
            size, total = (0, 0.0) if X is None else (len(X), float(X.sum()))
            self.log(kind, index, size=size, total=total)

        watched._log = log
        return watched

    def step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        group = optimizer.param_groups[0]
        words = [type(optimizer).__name__]
        for name in ("lr", "momentum", "weight_decay", "maximize"):
            if group.get(name):
                words.append(f"{name}={group[name]:g}")
        self.log("step", 0, detail=" ".join(words))

    def log(self, kind: str, index: int, **fields: Any) -> None:
        if len(self.events) < MAX_EVENTS:
            self.events.append(Event(kind, index, **fields))


def _look_at_result(
    seen: Observed, tensors: list[torch.Tensor], cotangent: torch.Tensor | None
) -> None:
    value = seen.value
    if not isinstance(value, torch.Tensor):
        seen.aliases = [False] * len(tensors)
        return
    seen.requires_grad = value.requires_grad
    storage = value.untyped_storage().data_ptr()
    seen.aliases = [t.untyped_storage().data_ptr() == storage != 0 for t in tensors]
    if cotangent is None:
        return
    if value.requires_grad and value.shape == cotangent.shape:
        # backward(cotangent) would do the same, but first import sympy: half a second
        (value * cotangent.to(value.dtype)).sum().backward()
    seen.grads = [t.grad for t in tensors if t.is_floating_point()]


def _state_of(net: nn.Module) -> NetState:
    named = dict(net.named_parameters())
    return NetState(
        weights={k: v.detach().clone() for k, v in net.state_dict().items()},
        training=net.training,
        grads={k: p.grad for k, p in named.items()},
    )
