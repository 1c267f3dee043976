"""Meters for a training loop: running sums, and a clock for its laps."""

from itertools import accumulate
from time import perf_counter
from typing import SupportsFloat

from torch import Tensor


class Accumulator:
    """Keep n running sums.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    n
        How many sums, at least 1.

    Raises
    ------
    ValueError
        When ``n`` is less than 1.

    Examples
    --------
    >>> metric = Accumulator(2)
    >>> metric.add(3, 4)
    >>> metric.add(1, 4)
    >>> metric[0] / metric[1]
    0.5
    """

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"Accumulator needs at least one sum; got n={n}")
        self.data = [0.0] * n

    def add(self, *args: SupportsFloat) -> None:
        """Add one number to each sum; a tensor must hold exactly one, and is detached.

        Raises
        ------
        ValueError
            When there are not as many numbers as sums.
        """
        if len(args) != len(self.data):
            raise ValueError(
                f"this Accumulator keeps {len(self.data)} sums; add needs as many "
                f"numbers, got {len(args)}"
            )
        numbers = [b.detach() if isinstance(b, Tensor) else b for b in args]
        self.data = [a + float(b) for a, b in zip(self.data, numbers, strict=True)]

    def reset(self) -> None:
        """Set every sum back to 0."""
        self.data = [0.0] * len(self.data)

    def __getitem__(self, idx: int) -> float:
        return self.data[idx]

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Accumulator({', '.join(f'{value:g}' for value in self.data)})"


class Timer:
    """Time one or several laps, in seconds of wall time; it starts when it is made.

    On a GPU the clock sees when work was queued, not when it was done: read a result
    (or call ``torch.cuda.synchronize()``) before stopping. Introduced in
    :doc:`/book/lenet`.

    Examples
    --------
    >>> timer = Timer()
    >>> lap = timer.stop()
    >>> timer.sum() == timer.avg() == lap
    True
    """

    def __init__(self) -> None:
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        """Start a lap."""
        self.tik = perf_counter()

    def stop(self) -> float:
        """End the lap, keep its seconds and return them."""
        self.times.append(perf_counter() - self.tik)
        return self.times[-1]

    def avg(self) -> float:
        """Give the mean lap in seconds.

        Raises
        ------
        ValueError
            When no lap has ended yet.
        """
        if not self.times:
            raise ValueError("Timer has no lap to average; call stop() first")
        return sum(self.times) / len(self.times)

    def sum(self) -> float:
        """Give the seconds of all laps together, 0 before the first has ended."""
        return float(sum(self.times))

    def cumsum(self) -> list[float]:
        """Give the seconds from the first lap to the end of each, pauses left out."""
        return list(accumulate(self.times))
