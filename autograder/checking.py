"""What the author of hidden checks imports: cases, random inputs, expectations.

A check is a pytest function. Its docstring is the sentence that the student reads; an
expectation that does not hold raises :class:`CheckFailed` with what was seen, never
with the inputs or the expected numbers, and a hint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from autograder.names import named
from autograder.probes import (
    Batches,
    Event,
    Net,
    NetState,
    Observed,
    observe,
)
from autograder.student import Student, StudentError, StudentRaised
from autograder.wire import Foreign

__all__ = [
    "Batches",
    "Case",
    "CheckFailed",
    "Draw",
    "Net",
    "events_of",
    "expect",
    "expect_close",
    "expect_equal",
    "expect_not_named",
    "expect_operators_unused",
    "expect_raises",
    "expect_same_weights",
    "fail",
    "other_weights",
    "reference",
]


class CheckFailed(Exception):
    """An expectation does not hold; the message is for the student."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message, self.hint = message, hint


class Case:
    """One row of a table of cases: a name, a hint, and whatever the check needs.

    >>> case = Case("wider than tall", image=(5, 7), hint="Are h and w swapped?")
    >>> str(case), case.image
    ('wider than tall', (5, 7))
    """

    def __init__(self, name: str, *, hint: str = "", **values: Any):
        self.name, self.hint = name, hint
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            known = ", ".join(self.__dict__.get("_values", ()))
            raise AttributeError(
                f"this case has no {name!r}; it has {known or 'nothing'}"
            )
        return self._values[name]

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


class Draw:
    """Random inputs, the same in every run for the same assignment, student and check.

    >>> Draw(1).normal(2, 3).shape
    torch.Size([2, 3])
    >>> Draw(1).integers(3, low=0, high=9).tolist() == Draw(1).integers(
    ...     3, low=0, high=9).tolist()
    True
    """

    def __init__(self, seed: int):
        self.start = seed
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return standard normal numbers."""
        return torch.randn(shape, generator=self._generator, dtype=dtype)

    def uniform(
        self,
        *shape: int,
        low: float = 0.0,
        high: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> torch.Tensor:
        """Return numbers between ``low`` and ``high``."""
        unit = torch.rand(shape, generator=self._generator, dtype=dtype)
        return low + (high - low) * unit

    def integers(
        self, *shape: int, low: int, high: int, dtype: torch.dtype = torch.int64
    ) -> torch.Tensor:
        """Return integers from ``low`` up to, not including, ``high``."""
        return torch.randint(low, high, shape, generator=self._generator, dtype=dtype)

    def size(self, low: int, high: int) -> int:
        """Return one int from ``low`` to ``high``, both included."""
        return int(self.integers(1, low=low, high=high + 1))

    def different(self, low: int, high: int, count: int = 2) -> list[int]:
        """Return distinct ints from ``low`` to ``high``: sizes that are not square."""
        return [low + int(i) for i in self.permutation(high - low + 1)[:count]]

    def permutation(self, n: int) -> torch.Tensor:
        """Return the numbers 0 … n − 1 in random order."""
        return torch.randperm(n, generator=self._generator)

    def pick(self, sequence: Sequence[Any]) -> Any:
        """Return one of several values."""
        return sequence[self.size(0, len(sequence) - 1)]

    def seed(self) -> int:
        """Return a seed for something else."""
        return self.size(0, 2**31 - 2)


# --- expectations ---------------------------------------------------------------------


def fail(message: str, hint: str = "") -> None:
    """Let the check fail."""
    raise CheckFailed(message, hint)


def expect(condition: object, message: str, hint: str = "") -> None:
    """Let the check fail with ``message`` unless the condition holds.

    >>> expect(1 > 2, "1 is not greater than 2")
    Traceback (most recent call last):
    autograder.checking.CheckFailed: 1 is not greater than 2
    """
    if not condition:
        raise CheckFailed(message, hint)


def expect_equal(got: Any, expected: Any, what: str, hint: str = "") -> None:
    """Compare exactly, for ints, strings and short lists; the message shows both."""
    if type(got) is not type(expected) or got != expected:
        raise CheckFailed(f"{what} is {_short(got)}; it should be {expected!r}.", hint)


def expect_close(
    answer: Any,
    expected: Any,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    dtype: bool = False,
    hint: str = "",
    mistakes: Mapping[str, Any] | None = None,
) -> None:
    """Compare a tensor (or number) with the expected one: type, shape, then values.

    ``mistakes`` maps a hint to a known wrong answer, to a function that makes it, or to
    a list of these; an answer that equals one of them gets that hint. NaN equals NaN.
    Values are compared in double precision, so float32 buffers pass unless ``dtype``
    asks for the same dtype.

    >>> expect_close(torch.ones(2, 3), torch.ones(3, 2))
    Traceback (most recent call last):
    autograder.checking.CheckFailed: The result has shape (2, 3); (3, 2) is expected.
    """
    expected = torch.as_tensor(expected)
    wrong = _wrong(answer, expected, rtol, atol, dtype)
    if wrong:
        known = _known_mistake(answer, expected, mistakes or {}, rtol, atol)
        raise CheckFailed(wrong, known or hint)


def _wrong(
    answer: Any, expected: torch.Tensor, rtol: float, atol: float, dtype: bool
) -> str:
    """Say what is wrong with an answer: kind, shape, dtype or values; else nothing."""
    if not isinstance(answer, torch.Tensor):
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            return f"The result is {_short(answer)}; a tensor is expected."
        answer = torch.as_tensor(answer)
    if answer.shape != expected.shape:
        shapes = tuple(answer.shape), tuple(expected.shape)
        return f"The result has shape {shapes[0]}; {shapes[1]} is expected."
    if answer.is_complex() != expected.is_complex() or (
        dtype and answer.dtype != expected.dtype
    ):
        dtypes = _dtype(answer), _dtype(expected)
        return f"The result has dtype {dtypes[0]}; {dtypes[1]} is expected."
    return _difference(answer, expected, rtol, atol)


def _known_mistake(
    answer: Any,
    expected: torch.Tensor,
    mistakes: Mapping[str, Any],
    rtol: float,
    atol: float,
) -> str:
    if not isinstance(answer, torch.Tensor):
        return ""
    for hint, wrongs in mistakes.items():
        for wrong in wrongs if isinstance(wrongs, list | tuple) else (wrongs,):
            try:
                wrong = torch.as_tensor(wrong() if callable(wrong) else wrong)
            except (RuntimeError, IndexError, ValueError):
                continue  # this mistake cannot be made with inputs of these sizes
            if answer.is_complex() != wrong.is_complex():
                continue
            if wrong.shape == expected.shape and not _difference(
                wrong, expected, rtol, atol
            ):
                continue  # this case cannot tell the mistake from the right answer
            if wrong.shape == answer.shape and not _difference(
                answer, wrong, rtol, atol
            ):
                return hint
    return ""


def _difference(
    answer: torch.Tensor, expected: torch.Tensor, rtol: float, atol: float
) -> str:
    """Say where two tensors of one shape differ; nothing if they agree."""
    kind = torch.complex128 if expected.is_complex() else torch.float64
    a, b = answer.to(kind), expected.to(kind)
    wrong = ~torch.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    count = int(wrong.sum())
    if count == 0:
        return ""
    if wrong.numel() == 1:
        return "The number differs from the expected one."
    first = tuple(int(i) for i in wrong.nonzero()[0])
    return f"{count} of {wrong.numel()} numbers differ, the first at index {first}."


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _short(value: Any) -> str:
    """Show a value in a few words, without running anything of the student's."""
    if isinstance(value, Foreign):
        return f"a {value.kind}"
    if value is None or isinstance(value, bool | int | str):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}…"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, list | tuple) and len(value) <= 4:
        inside = ", ".join(_short(v) for v in value)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    return f"a {type(value).__name__}"


def expect_raises(
    student: Student,
    name: str,
    *args: Any,
    error: tuple[type[Exception], ...] = (ValueError,),
    hint: str = "",
    **kwargs: Any,
) -> None:
    """Expect the call to raise one of these kinds of error."""
    kinds = " or ".join(e.__name__ for e in error)
    try:
        value = student.call(name, *args, returns=object, **kwargs)
    except StudentRaised as raised:
        if any(e.__name__ in raised.bases for e in error):
            return
        raise CheckFailed(
            f"{raised.message} Here, {kinds} is expected.", hint
        ) from None
    raise CheckFailed(
        f"{name} returned {_short(value)}; it should raise {kinds}.", hint
    )


def expect_not_named(
    student: Student, names: Sequence[str], *, within: str | None = None, hint: str = ""
) -> None:
    """Look at the submitted text for names that are off limits, aliases resolved.

    A static look can be deceived: it finds the honest shortcut, not the forger.
    """
    answers = [student.source_of(within)] if within else [student.source]
    found = named(names, answers, student.setup)
    if found:
        name, line = found[0]
        raise CheckFailed(
            f"The answer uses {name} (line {line}: off limits here).", hint
        )


def expect_operators_unused(
    observed: Observed, names: Sequence[str], hint: str = ""
) -> None:
    """Look at the operators that ran, for those that are off limits."""
    for name in names:
        if name in observed.operators:
            message = f"The answer ran PyTorch's own {name} operator: off limits here."
            raise CheckFailed(message, hint)


def expect_same_weights(
    got: NetState,
    expected: NetState,
    *,
    atol: float = 1e-5,
    rtol: float = 1e-4,
    hint: str = "",
    mistakes: Mapping[str, NetState | Callable[[], NetState]] | None = None,
) -> None:
    """Compare the weights of two networks after the call, by name."""
    if set(got.weights) != set(expected.weights):
        raise CheckFailed("The network has other parameters than before.", hint)
    off = other_weights(got, expected, rtol, atol)
    if not off:
        return
    for known, wrong in (mistakes or {}).items():
        wrong = wrong() if callable(wrong) else wrong
        if other_weights(wrong, expected, rtol, atol) and not other_weights(
            got, wrong, rtol, atol
        ):
            hint = known
            break
    raise CheckFailed(
        f"After the call {len(off)} of {len(expected.weights)} weight tensors differ "
        f"from those of the reference (first: {off[0]}).",
        hint,
    )


def other_weights(
    got: NetState, expected: NetState, rtol: float = 1e-4, atol: float = 1e-5
) -> list[str]:
    """Name the expected weights that are missing, or are other ones.

    >>> made = [NetState({"0.weight": torch.tensor([w])}, True, {}) for w in (1.0, 2.0)]
    >>> other_weights(*made), other_weights(made[0], made[0])
    (['0.weight'], [])
    """
    return [
        name
        for name, w in expected.weights.items()
        if not isinstance(got.weights.get(name), torch.Tensor)
        or got.weights[name].shape != w.shape
        or _difference(got.weights[name], w, rtol, atol)
    ]


# --- references -----------------------------------------------------------------------


def reference(
    function: Callable[..., Any],
    *args: Any,
    seed: int = 0,
    cotangent: Any = None,
    **kw: Any,
) -> Observed:
    """Run a reference here as ``student.observe`` runs the student's function there."""
    with torch.random.fork_rng(devices=[]):
        return observe(function, args, kw, seed=seed, cotangent=cotangent)


def events_of(observed: Observed, kind: str) -> list[Event]:
    """Return the events of one kind, in order."""
    return [e for e in observed.events if e.kind == kind]


def finite(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def student_failed(error: BaseException) -> bool:
    """Tell whether an exception out of a check is about the student's answer."""
    return isinstance(error, CheckFailed | StudentError | AssertionError)
