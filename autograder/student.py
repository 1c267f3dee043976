"""The trusted end of the wire: values go to the student's functions, values come back.

Nothing that comes back is believed beyond being a value: strings are cut and cleaned,
tensors are plain copies, and a process that is silent, late or rude fails the check.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.sandbox import Room, Sandbox
from autograder.wire import (
    Foreign,
    WireClosed,
    WireError,
    WireTimeout,
    clean_line,
    clean_text,
    pack,
    unpack,
)

CALL_SECONDS = 10.0
BUDGET_SECONDS = 60.0


class StudentError(Exception):
    """A call that gave no usable value, as a sentence for the student."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message, self.hint = message, hint


class StudentRaised(StudentError):
    """The function raised an exception; ``bases`` are the names of its classes."""

    def __init__(self, message: str, hint: str = "", bases: tuple[str, ...] = ()):
        super().__init__(message, hint)
        self.bases = bases


class StudentUnanswered(StudentRaised):
    """The function is still the stub of the release."""


class StudentMissing(StudentError):
    """The answer does not define the function."""


class StudentTimeout(StudentError):
    """The call took longer than it may."""


class StudentExited(StudentError):
    """The process ended in the middle of the call."""


class StudentWrongType(StudentError):
    """The value is of another kind than asked for."""


class StudentGarbled(StudentError):
    """The process sent something that is no answer."""


class BudgetSpent(StudentTimeout):
    """All the time that one submission may take is gone."""


@dataclass
class Budget:
    """Seconds of student time, for the whole submission and for each call."""

    total: float = BUDGET_SECONDS
    call: float = CALL_SECONDS
    load: float = 2 * CALL_SECONDS
    spent: float = 0.0

    @property
    def gone(self) -> bool:
        """Whether nothing is left."""
        return self.spent >= self.total

    def deadline(self, seconds: float) -> float:
        """Return when a call that may take this long has to be over (monotonic)."""
        return time.monotonic() + max(0.0, min(seconds, self.total - self.spent))


@dataclass
class Part:
    """What a question that checks share gave: at its end, or at one of its yields."""

    value: Any = None
    last: Any = None  # what the student's function gave, for the instructor's report
    used: bool = False  # came from a process that had answered before
    error: StudentError | None = None  # came instead of a value, and ended the question


@dataclass
class Layer:
    """One leaf module of a network that a student built."""

    name: str
    kind: str
    settings: dict[str, Any]
    parameters: int


@dataclass
class Answers:
    """What was submitted: the cells to run and the names that were left out."""

    cells: list[dict[str, str]]
    texts: dict[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


class Student:
    """A proxy for the functions of one submission, in a process of their own."""

    def __init__(
        self,
        sandbox: Sandbox,
        answers: Answers,
        budget: Budget | None = None,
        *,
        call_seconds: float | None = None,
        room: Room | None = None,
        asked: dict[Any, list[Part]] | None = None,
        draw: Callable[[str], Any] | None = None,
        alone: bool = False,
    ):
        self._sandbox, self._answers = sandbox, answers
        self._asked = {} if asked is None else asked
        self._draw = draw or (lambda name: None)
        self._budget = budget or Budget()
        self._call_seconds = call_seconds or self._budget.call
        self._alone = alone  # share no process, not even among the parts of a question
        self._room = room  # of an earlier case; the cells are loaded in it anew
        self._loaded = False
        self.used = False  # whether a process that had answered before was asked
        self._errors: dict[str, Any] = {}
        self.last: Any = None  # the latest value, for the instructor's report

    # --- what a check author uses ---

    @property
    def source(self) -> str:
        """The submitted text of all answers."""
        return "\n\n".join(self._answers.texts.values())

    def source_of(self, name: str) -> str:
        """Return the submitted text of one answer."""
        return self._answers.texts[name]

    @property
    def setup(self) -> list[str]:
        """The setup cells of the release, which the answers may rely on."""
        graded = self._answers.texts
        return [c["source"] for c in self._answers.cells if c["id"] not in graded]

    def call(
        self, name: str, *args: Any, returns: Any = None, seed: int = 0, **kwargs: Any
    ) -> Any:
        """Call a function of the student's and return its value.

        ``returns`` is the type, or tuple of types, that the caller can handle; a tensor
        if nothing is said.
        """
        fields = {"do": "call", "name": name, "seed": seed}
        _, value = self._ask(fields, (args, kwargs, None))
        self.last = value
        return self._checked(name, value, returns)

    def observe(
        self,
        name: str,
        *args: Any,
        cotangent: Any = None,
        returns: Any = object,
        seed: int = 0,
        **kwargs: Any,
    ) -> Any:
        """Call a function and return an :class:`~autograder.probes.Observed`."""
        fields = {"do": "observe", "name": name, "seed": seed}
        reply, value = self._ask(fields, (args, kwargs, cotangent))
        seen = _observed(value, reply.get("events"))
        if not _fits(seen, args, kwargs):
            self._spoilt("the observation is one of another call")
        self.last = seen.value
        seen.value = self._checked(name, seen.value, returns)
        return seen

    def new(self, name: str, *args: Any, seed: int = 0, **kwargs: Any) -> Handle:
        """Call a function that returns a module; keep the module there."""
        fields = {"do": "new", "name": name, "seed": seed}
        _, value = self._ask(fields, (args, kwargs, None))
        if isinstance(value, dict) and isinstance(value.get("handle"), int):
            return Handle(self, value["handle"])
        kind = value.get("kind") if isinstance(value, dict) else "something else"
        raise StudentWrongType(
            f"{name} returned a {clean_line(kind, 60)}; a network (an nn.Module) is "
            "expected."
        )

    def once(
        self, question: Callable[[Student, Any], Any], part: int | None = None
    ) -> Any:
        """Put a question that several checks share; the first of them really asks.

        ``question(student, draw)`` is called in a process of its own, with inputs drawn
        for its name and not for the check's. All checks of the submission get what it
        returned, the same object, or the :class:`StudentError` that it raised: what one
        of them does to the value, the next one sees.

        A question that yields has parts, and each check gets the one that it names by
        number. They are asked in order, all in that process, each with the cells loaded
        anew. An error takes the place of its part and of those that would follow.
        """
        if (part is not None) != inspect.isgeneratorfunction(question):
            raise TypeError(
                f"once({question.__name__}, {part}): a question that yields is asked "
                "for the number of one of its parts, and no other is"
            )
        draw = self._draw(question.__name__)
        parts = self._asked.get(question)
        if parts is None or (self._alone and any(p.used for p in parts)):
            parts = self._asked[question] = self._put(question, draw)
        number = part or 0
        if number >= len(parts) and not parts[-1].error:
            raise IndexError(
                f"{question.__name__} has {len(parts)} parts, none of number {number}; "
                "the first one is 0"
            )
        found = parts[min(number, len(parts) - 1)]
        self.last, self.used = found.last, self.used or found.used
        if found.error:
            raise found.error.with_traceback(None)
        return found.value

    def _put(self, question: Callable[[Student, Any], Any], draw: Any) -> list[Part]:
        """Ask a question, in a process of its own."""
        parts, before = [], self.used
        self.last, self.used = None, False
        self.fresh()
        try:
            found = question(self, draw)
            for value in found if isinstance(found, Generator) else [found]:
                parts.append(Part(value, self.last, self.used))
                self.last, self.used = None, False
                if self._alone:
                    self.fresh()
                else:
                    self.again()
        except StudentError as error:
            parts.append(Part(None, self.last, self.used, error))
        finally:
            self.used = before
            self.fresh()
        return parts

    def again(self) -> None:
        """Load the cells anew before the next call, in the same process."""
        self._loaded = False

    def fresh(self) -> None:
        """Throw the process away; the next call starts a new one."""
        if self._room:
            self._room.close()
        self._forget()

    close = fresh

    def leave(self) -> Room | None:
        """Give the process, if there is one, to the next case of the same check."""
        room = self._room
        self._forget()
        return room

    def _forget(self) -> None:
        self._room, self._loaded = None, False

    # --- the wire ---

    def _checked(self, name: str, value: Any, returns: Any) -> Any:
        import torch

        wanted = torch.Tensor if returns is None else returns
        kinds = wanted if isinstance(wanted, tuple) else (wanted,)
        if float in kinds and type(value) is int:
            return float(value)
        if float in kinds and isinstance(value, torch.Tensor) and value.numel() == 1:
            if torch.Tensor in kinds:
                return value
            if not value.is_complex():
                return float(value)
        if object in kinds or (
            isinstance(value, kinds) and not (type(value) is bool and bool not in kinds)
        ):
            return value
        expected = " or ".join(dict.fromkeys(_kind(k) for k in kinds))
        raise StudentWrongType(
            f"{name} returned {_article(value)}; {expected} is expected.",
            "Does every path through the function end with return?"
            if value is None
            else "",
        )

    def _ask(
        self, fields: dict[str, Any], arguments: Any
    ) -> tuple[dict[str, Any], Any]:
        """Send one request and return the reply's header and value."""
        self._load()
        node, payload = pack(arguments)
        reply, data = self._exchange(
            {**fields, "arguments": node}, payload, self._call_seconds
        )
        return reply, self._value(fields["name"], reply, data)

    def _load(self) -> None:
        if self._loaded:
            return
        if self._budget.gone:
            raise BudgetSpent("The time for this submission is used up.")
        if self._room is None:
            self._room = self._sandbox.room()
        else:
            self.used = True
        self._loaded = True
        request = {"do": "load", "cells": self._answers.cells}
        reply, data = self._exchange(request, b"", self._budget.load)
        try:
            self._errors = _dict(_dict(unpack(reply.get("value"), data))["errors"])
        except (WireError, TypeError, KeyError):
            self._spoilt("loading your answers ended with an answer that is none")

    def _exchange(
        self, request: dict[str, Any], payload: bytes, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        assert self._room
        # Of the room: what it sent too much to one case is no answer to the next.
        self._room.asked += 1
        request["id"] = self._room.asked
        started = time.monotonic()
        deadline = self._budget.deadline(seconds)
        what = request.get("name") or "Loading your answers"
        try:
            self._room.channel.send(request, payload, deadline)
            reply, data = self._room.channel.receive(deadline)
        except WireTimeout:
            self.fresh()
            if self._budget.spent + time.monotonic() - started >= self._budget.total:
                raise BudgetSpent(
                    f"{what} did not finish, and the {self._budget.total:g} seconds "
                    "for this submission are used up."
                ) from None
            raise StudentTimeout(
                f"{what} did not finish within {seconds:g} seconds.",
                "Is there a loop that never ends, or much more work than needed?",
            ) from None
        except WireClosed:
            status = self._room.close(patience=0.5)
            self._forget()
            raise StudentExited(*_ended(what, status)) from None
        except WireError as error:
            self._spoilt(str(error))
        finally:
            self._budget.spent += time.monotonic() - started
        if type(reply.get("id")) is not int or reply["id"] != request["id"]:
            self._spoilt("the answer belongs to no question")
        return reply, data

    def _value(self, name: str, reply: dict[str, Any], data: bytes) -> Any:
        if "missing" in reply:
            raise self._missing(name)
        if "raised" in reply:
            raise self._raised(name, reply["raised"])
        if "wire" in reply:
            raise StudentWrongType(
                f"{name} returned a value that is too large or too deeply nested."
            )
        try:
            return unpack(reply.get("value"), data)
        except WireError as error:
            self._spoilt(str(error))

    def _spoilt(self, why: str) -> Any:
        self.fresh()
        raise StudentGarbled(
            f"The answer could not be read ({clean_text(why, 120)}).",
            "The code must return plain tensors or numbers and leave the grader alone.",
        )

    def _missing(self, name: str) -> StudentError:
        for cell, error in self._errors.items():
            if isinstance(error, dict) and cell == name:
                return self._raised(f"The answer cell {name}", error)
        if not self._answers.texts.get(name, "").strip():
            return StudentMissing(f"There is no answer in the cell {name}.")
        return StudentMissing(
            f"The answer cells define no function called {name}.",
            "Check the spelling of its name: it must be the one in the task.",
        )

    def _raised(self, name: str, error: Any) -> StudentRaised:
        error = error if isinstance(error, Mapping) else {}
        kind = clean_line(error.get("kind", "an error"), 60)
        text = clean_line(error.get("message", ""), 300)
        cell, line = clean_line(error.get("cell", ""), 60), error.get("line")
        known = type(line) is int and 0 < line < 1_000_000
        where = f" (cell {cell}, line {line})" if cell and known else ""
        bases = error.get("bases") if isinstance(error.get("bases"), list) else []
        names = tuple(b for b in bases if isinstance(b, str))
        if kind == "NotImplementedError" and not text:
            return StudentUnanswered(f"{name} is not answered yet.", bases=names)
        message = f"{name} raised {kind}{': ' + text if text else ''}{where}."
        return StudentRaised(message, self._hint_for(kind, text), names)

    def _hint_for(self, kind: str, text: str) -> str:
        if kind == "NameError":
            for name in self._answers.left_out:
                if f"'{name}'" in text:
                    return (
                        f"{name} is defined in a cell of your own. Only the answer "
                        "cells are graded: move it into one of them."
                    )
        return HINTS.get(kind, "")


HINTS = {
    "IndexError": "Does a loop run one step too far?",
    "SystemExit": "Remove exit() and quit(): a function returns, it never ends Python.",
    "RecursionError": "The function calls itself without end.",
    "MemoryError": "This needs far more memory than the task does.",
    "ModuleNotFoundError": "Only the libraries that the course uses can be imported.",
}


def _ended(what: str, status: int) -> tuple[str, str]:
    if status < 0:
        return (
            f"The process was ended by signal {-status} during: {what}.",
            "Such a crash is often memory that ran out, or a call into C gone wrong.",
        )
    return (
        f"The process ended during: {what}.",
        "A function returns its result; it must not end Python.",
    )


def _kind(kind: type) -> str:
    known = {"Tensor": "a torch.Tensor", "int": "an int", "ndarray": "a numpy array"}
    return known.get(kind.__name__, f"a {kind.__name__}")


def _article(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Foreign):
        return f"a {' '.join(value.kind.split())}"
    return _kind(type(value))


class Handle:
    """A module that stays in the sandbox."""

    def __init__(self, student: Student, number: int):
        self._student, self._number = student, number

    def __wire__(self) -> tuple[str, dict[str, Any]]:
        """How the handle crosses the wire."""
        return "handle", {"number": self._number}

    def _do(self, name: str, *args: Any, seed: int = 0) -> Any:
        fields = {"do": "method", "name": name, "handle": self._number, "seed": seed}
        return self._student._ask(fields, (args, {}, None))[1]

    def call(self, *args: Any, returns: Any = None, seed: int = 0) -> Any:
        """Apply the module."""
        value = self._student.last = self._do("call", *args, seed=seed)
        return self._student._checked("The network", value, returns)

    def state_dict(self) -> dict[str, Any]:
        """Return the weights by name."""
        value = self._student._checked("state_dict", self._do("state_dict"), dict)
        if not _are_tensors(value):
            self._student._spoilt("the weights are none")
        return dict(value)

    def load_state_dict(self, weights: Mapping[str, Any]) -> None:
        """Load weights by name."""
        self._do("load_state_dict", dict(weights))

    def train(self, mode: bool = True) -> None:
        """Set the mode."""
        self._do("train", mode)

    def layers(self) -> list[Layer]:
        """Describe the leaf modules, in order."""
        try:
            return [
                Layer(
                    clean_text(f["name"], 80),
                    clean_text(f["kind"], 60),
                    _dict(f["settings"]),
                    _int(f["parameters"]),
                )
                for f in map(_dict, _list(self._do("layers")))
            ]
        except (TypeError, KeyError):
            return self._student._spoilt("the layers are none")


def _fits(seen: Any, args: Any, kwargs: Any) -> bool:
    """Tell whether an observation has the parts that a call with these arguments has.

    Checks rely on them: what is missing there would look like the grader's mistake.
    """
    import torch

    tensors, nets = _sent([*args, *kwargs.values()])
    return (
        len(seen.inputs) == len(seen.aliases) == tensors
        and len(seen.nets) == nets
        and len(seen.grads) <= tensors
        and all(isinstance(t, torch.Tensor) for t in seen.inputs)
        and all(t is None or isinstance(t, torch.Tensor) for t in seen.grads)
        and all(_are_tensors(net.weights) for net in seen.nets)
        and all(
            _are_tensors({k: g for k, g in net.grads.items() if g is not None})
            for net in seen.nets
        )
    )


def _are_tensors(values: Mapping[str, Any]) -> bool:
    import torch

    return all(isinstance(v, torch.Tensor) for v in values.values())


def _sent(values: Any) -> tuple[int, int]:
    """Count the tensors and the networks among the arguments of a call."""
    import torch

    from autograder.probes import Net

    tensors = nets = 0
    for value in values:
        inside = list(value.values()) if isinstance(value, dict) else value
        if isinstance(value, torch.Tensor):
            tensors += 1
        elif isinstance(value, Net | Handle):
            nets += 1
        elif isinstance(inside, list | tuple):
            more_tensors, more_nets = _sent(inside)
            tensors, nets = tensors + more_tensors, nets + more_nets
    return tensors, nets


# What is iterated must be a list: a tensor would be taken apart number by number.


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return list(value)


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return dict(value)


def _int(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _observed(value: Any, events: Any) -> Any:
    """Make an observation out of what was sent, or refuse it."""
    from autograder.probes import Event, NetState, Observed

    try:
        value = _dict(value)
        seen = Observed(
            value=value["value"],
            inputs=_list(value["inputs"]),
            aliases=[a is True for a in _list(value["aliases"])],
            requires_grad=value["requires_grad"] is True,
            grads=_list(value["grads"]),
            operators={clean_line(o, 80) for o in _list(value["operators"])},
            nets=[
                NetState(_dict(n["weights"]), n["training"] is True, _dict(n["grads"]))
                for n in map(_dict, _list(value["nets"]))
            ],
            warnings=[clean_line(w, 200) for w in _list(value["warnings"])],
        )
        for kind, index, training, grad, size, total, detail in _list(events or []):
            seen.events.append(
                Event(
                    clean_line(kind, 20),
                    _int(index),
                    training is True,
                    grad is True,
                    _int(size),
                    float(total) if isinstance(total, str) else math.nan,
                    clean_line(detail, 120),
                )
            )
    except (TypeError, KeyError, ValueError, OverflowError):
        raise StudentGarbled("The answer could not be read.") from None
    return seen
