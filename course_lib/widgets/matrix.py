"""A trait for small matrices, from lists, arrays or tensors, with its ranges."""

import math
from typing import Any, NoReturn

import traitlets


class Matrix(traitlets.TraitType[Any, Any]):
    """A trait that holds rows of numbers; it takes nested lists, arrays and tensors.

    Leading axes of length one are dropped, so that the weight of a
    ``nn.Conv2d(1, 1, ...)`` can be passed as it is.

    Parameters
    ----------
    rows, columns
        Largest size along either axis; the least is 1.
    low, high
        Range of the values, both ends allowed.

    """

    def __init__(
        self,
        default: list[list[float]],
        *,
        rows: int,
        columns: int,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        super().__init__(default_value=default)
        self.rows, self.columns, self.low, self.high = rows, columns, low, high
        self.info_text = f"a matrix of at most {rows} × {columns} numbers"

    def validate(self, obj: Any, value: Any) -> list[list[float]]:
        """Return the value as nested lists of floats, or raise ``TraitError``."""
        for method in ("detach", "tolist"):
            value = getattr(value, method, lambda value=value: value)()
        while _depth(value) > 2 and len(value) == 1:
            value = value[0]
        if not (_is_row(value) and value and all(_is_row(r) and r for r in value)):
            self._reject("is not a matrix: pass rows of numbers, such as [[1, -1]]")
        if len({len(row) for row in value}) != 1:
            self._reject("has rows of different lengths")
        height, width = len(value), len(value[0])
        if height > self.rows or width > self.columns:
            self._reject(
                f"is {height} × {width}; at most {self.rows} × {self.columns} is drawn"
            )
        try:
            floats = [[float(x) for x in row] for row in value]
        except (TypeError, ValueError):
            self._reject("holds something that is not a number")
        flat = [x for row in floats for x in row]
        if not all(map(math.isfinite, flat)):
            self._reject("holds a value that is not finite")
        if min(flat) < self.low or max(flat) > self.high:
            self._reject(
                f"has values from {min(flat):g} to {max(flat):g}; "
                f"they must lie in [{self.low:g}, {self.high:g}]"
                + (" (divide bytes by 255)" if max(flat) > 1 == self.high else "")
            )
        return floats

    def _reject(self, reason: str) -> NoReturn:
        raise traitlets.TraitError(f"{self.name} {reason}")


def _is_row(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _depth(value: Any) -> int:
    """Return how deep the first entries are nested: 2 for a matrix."""
    return 1 + (_depth(value[0]) if value else 0) if _is_row(value) else 0
