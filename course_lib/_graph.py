"""Record the work of one batch as a CUDA graph, and replay it for every other batch.

A GPU does the work of a small network faster than Python can ask for it. A graph holds
every request of a step, and replaying it is one request. It reads its batch from the
same place each time, so each batch is copied there first.

PyTorch documentation, *CUDA semantics*, section *CUDA Graphs*.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

Update = Callable[[Tensor, Tensor], None]
Work = Callable[[], None]

# So many ordinary steps, on a stream of their own, torch asks for before it records:
# libraries choose their ways in the first ones. They train, as every step does.
_WARM_UP = 3


@runtime_checkable
class Recorder(Protocol):
    """What can warm up and record; the tests have one without a GPU."""

    def warm_up(self, work: Work) -> None:
        """Do the work now, in such a way that it may be recorded later."""

    def record(self, work: Work) -> Work:
        """Record the work without doing it; give what does it."""


class CudaGraphs:
    """Records on the current CUDA device."""

    def warm_up(self, work: Work) -> None:
        """Do the work on a stream other than the usual one."""
        usual, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(usual)
        with torch.cuda.stream(side):
            work()
        usual.wait_stream(side)

    def record(self, work: Work) -> Work:
        """Record the work as a graph."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                work()
        except RuntimeError as error:
            error.add_note(
                "This step cannot be recorded as a CUDA graph: perhaps the network "
                "asks the device for a number, or copies from the CPU. Train without "
                "graph=True."
            )
            raise
        return graph.replay


class Replay:
    """Updates for batches of one shape by replaying; others are done as they come.

    The first batch sets the shape; after a few of that shape the update is recorded.
    It must read its batch from ``X`` and ``y`` alone and leave its results in tensors
    that stay: its Python code does not run again.

    Examples
    --------
    >>> class Again:  # a recorder without a GPU
    ...     def warm_up(self, work): work()
    ...     def record(self, work): return work
    >>> total = torch.zeros(())
    >>> replay = Replay(Again())
    >>> for n in range(5):
    ...     replay(lambda X, y: total.add_(X.sum()), torch.ones(2), torch.ones(2))
    >>> total
    tensor(10.)
    """

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = CudaGraphs() if recorder is None else recorder
        self._batch: tuple[Tensor, Tensor] | None = None
        self._again: Work | None = None
        self._warm = 0

    def __call__(self, update: Update, X: Tensor, y: Tensor) -> None:
        """Do ``update(X, y)``, or replay what it did."""
        if self._batch is None:
            self._batch = X.clone(), y.clone()
        if not all(map(_alike, self._batch, (X, y))):
            update(X, y)
        elif self._warm < _WARM_UP:
            self._warm += 1
            self._recorder.warm_up(lambda: update(X, y))
        else:
            kept_X, kept_y = self._batch
            kept_X.copy_(X)
            kept_y.copy_(y)
            if self._again is None:
                self._again = self._recorder.record(lambda: update(kept_X, kept_y))
            self._again()


def _alike(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype
