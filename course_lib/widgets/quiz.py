"""Predict, then reveal: small questions whose wrong answers have names.

A question is asked just before the page tells. What the reader enters is compared with
the right answer and with the answers that known misconceptions lead to; a wrong one is
told which of them it fits, and where to read. Nothing is typed twice: right and wrong
answers are computed by the library, or by torch, when the page is built.

Progress is kept by the reader's browser alone. With a kernel, Python sees it too.
"""

import hashlib
import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import anywidget
import traitlets

from .base import Explorer
from .module import bundle, stylesheet

See = tuple[str, str]


@dataclass(frozen=True)
class Mistake:
    """A misconception, the answer that it leads to, and what to say to it.

    Parameters
    ----------
    name
        The misconception in a few words, such as ``"missing floor"``.
    answer
        What it makes of the question; computed, like the right answer.
    why
        One or two sentences for the reader who fell for it; HTML allowed.
    see
        Where to read, if elsewhere than the question says.

    """

    name: str
    answer: Any
    why: str
    see: See | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """What ``Number``, ``Shape``, ``Choice`` and ``Cells`` have in common.

    Parameters
    ----------
    ask
        The question, as it is shown; HTML allowed.
    answer
        The right answer, computed.
    why
        What "Show why" tells once the reader has tried; HTML allowed.
    mistakes
        At least one; their answers differ from the right one and from each other.
    see
        ``(heading, "page#anchor")`` of the paragraph that explains it.
    picture
        An ``<svg role="img">`` shown with the question, or nothing.
    reveal
        Another, shown with the explanation.

    Raises
    ------
    ValueError
        When a mistake leads to the right answer, or two lead to the same, or the
        answers do not have the form that the question asks for.

    """

    kind: ClassVar[str] = ""

    ask: str
    answer: Any
    why: str
    mistakes: Sequence[Mistake]
    see: See
    picture: str = ""
    reveal: str = ""

    def __post_init__(self) -> None:
        if not self.mistakes:
            self._refuse("has no mistakes: name at least one wrong answer")
        for see in (self.see, *(m.see for m in self.mistakes if m.see)):
            if not re.fullmatch(r"[\w-]+#[\w-]+", see[1]):
                self._refuse(f'points to {see[1]!r}; write "page#anchor"')
        self.check(self.answer)
        known = [("the right answer", self.answer)]
        for mistake in self.mistakes:
            self.check(mistake.answer)
            for name, answer in known:
                if self.same(mistake.answer, answer):
                    self._refuse(
                        f"cannot tell {mistake.name!r} from {name}: "
                        f"both give {plain(answer)}"
                    )
            known.append((repr(mistake.name), mistake.answer))

    def _refuse(self, reason: str) -> None:
        raise ValueError(f"the question {words(self.ask)[:50]!r} {reason}")

    def check(self, answer: Any) -> None:
        """Raise ``ValueError`` unless the answer has the form that is asked for."""
        raise NotImplementedError

    def same(self, one: Any, other: Any) -> bool:
        """Tell whether a reader who enters one is told what belongs to the other."""
        return bool(plain(one) == plain(other))

    def entered(self, answer: Any) -> Any:
        """Return the answer as the page hands it back: numbers, lists or a text."""
        return plain(answer)

    def shown(self, answer: Any) -> str:
        """Return the answer as HTML."""
        raise NotImplementedError

    def blank(self) -> str:
        """Return the empty form of an answer as HTML, for paper."""
        return "<p>________</p>"

    def record(self) -> dict[str, Any]:
        """Return all that the page needs."""
        return {
            "kind": self.kind,
            "ask": self.ask,
            "answer": self.entered(self.answer),
            "shown": self.shown(self.answer),
            "why": self.why,
            "see": list(self.see),
            "picture": self.picture,
            "reveal": self.reveal,
            "mistakes": [
                {
                    "name": mistake.name,
                    "answer": self.entered(mistake.answer),
                    "why": mistake.why,
                    "see": list(mistake.see or self.see),
                }
                for mistake in self.mistakes
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Number(Question):
    """A question for one number; ``tolerance`` is absolute, ``unit`` stands behind it.

    >>> from course_lib.geometry import output_size
    >>> Number(
    ...     ask="How wide is the output?",
    ...     answer=output_size(8, 3, padding=1),
    ...     mistakes=[Mistake("padding forgotten", output_size(8, 3), "It is padded.")],
    ...     why="8 − 3 + 2 + 1",
    ...     see=("Padding", "padding-and-stride#padding"),
    ... ).shown(8)
    '8'
    """

    kind = "number"

    tolerance: float = 0.0
    unit: str = ""

    def check(self, answer: Any) -> None:
        """Accept finite numbers."""
        value = plain(answer)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(f"asks for a number, not for {value!r}")
        if not math.isfinite(value):
            self._refuse(f"asks for a finite number, not for {value}")

    def same(self, one: Any, other: Any) -> bool:
        """Compare up to twice the tolerance, so that no entry fits both."""
        return abs(plain(one) - plain(other)) <= 2 * self.tolerance

    def shown(self, answer: Any) -> str:
        """Return the number as it is printed, with its unit."""
        return number(plain(answer)) + (f" {self.unit}" if self.unit else "")

    def blank(self) -> str:
        """Return a line to write on."""
        return f"<p>________ {self.unit}</p>"

    def record(self) -> dict[str, Any]:
        """Add tolerance and unit."""
        return {**super().record(), "tolerance": self.tolerance, "unit": self.unit}


@dataclass(frozen=True, kw_only=True)
class Shape(Question):
    """A question for a few whole numbers, one field for each name."""

    kind = "shape"

    names: Sequence[str] = ("height", "width")

    def check(self, answer: Any) -> None:
        """Accept as many whole numbers as there are fields."""
        values = plain(answer)
        if not (
            isinstance(values, list)
            and len(values) == len(self.names)
            and all(type(value) is int for value in values)
        ):
            self._refuse(
                f"asks for {len(self.names)} whole numbers "
                f"({', '.join(self.names)}), not for {values!r}"
            )

    def shown(self, answer: Any) -> str:
        """Return the numbers joined by crosses."""
        return " × ".join(number(value) for value in plain(answer))

    def blank(self) -> str:
        """Return a line for each field."""
        return f"<p>{' × '.join(f'____ ({name})' for name in self.names)}</p>"

    def record(self) -> dict[str, Any]:
        """Add the names of the fields."""
        return {**super().record(), "names": list(self.names)}


@dataclass(frozen=True, kw_only=True)
class Choice(Question):
    """A question with a few answers to choose from.

    ``options`` maps each text to the value that it stands for. The right one is the
    one whose value equals the computed ``answer``; each of the others needs a mistake
    with its value. Their order is shuffled, always in the same way.
    """

    kind = "choice"

    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Hold options and mistakes to each other."""
        super().__post_init__()
        values = [plain(value) for value in self.options.values()]
        wrong = [plain(mistake.answer) for mistake in self.mistakes]
        if values.count(plain(self.answer)) != 1:
            self._refuse(f"needs exactly one option for {plain(self.answer)!r}")
        for text, value in self.options.items():
            if wrong.count(plain(value)) + (plain(value) == plain(self.answer)) != 1:
                self._refuse(f"needs one mistake for the option {text!r}")
        if len(wrong) != len(values) - 1:
            self._refuse("has a mistake that is no option")

    def check(self, answer: Any) -> None:
        """Accept anything; the options are compared in one go."""

    def entered(self, answer: Any) -> str:
        """Return the text of the option with this value."""
        return next(
            text
            for text, value in self.options.items()
            if plain(value) == plain(answer)
        )

    def shown(self, answer: Any) -> str:
        """Return the text of the option."""
        return self.entered(answer)

    def shuffled(self) -> list[str]:
        """Return the texts in an order that looks random and never changes."""
        return sorted(self.options, key=lambda text: digest(self.ask + text))

    def blank(self) -> str:
        """Return the options, lettered."""
        items = "".join(f"<li>{text}</li>" for text in self.shuffled())
        return f'<ol type="a">{items}</ol>'

    def record(self) -> dict[str, Any]:
        """Add the options."""
        return {**super().record(), "options": self.shuffled()}


@dataclass(frozen=True, kw_only=True)
class Cells(Question):
    """A question for every number of a small grid; ``tolerance`` is absolute."""

    kind = "cells"

    tolerance: float = 0.0
    name: str = "output"

    def check(self, answer: Any) -> None:
        """Accept a matrix of the size of the answer."""
        rows, want = plain(answer), plain(self.answer)
        if not (
            isinstance(rows, list) and rows and all(isinstance(r, list) for r in rows)
        ):
            self._refuse(f"asks for rows of numbers, not for {rows!r}")
        if [len(row) for row in rows] != [len(row) for row in want]:
            self._refuse(f"has a mistake of another size than its answer: {rows!r}")

    def same(self, one: Any, other: Any) -> bool:
        """Compare cell by cell, up to twice the tolerance."""
        return all(
            abs(a - b) <= 2 * self.tolerance
            for row, twin in zip(plain(one), plain(other), strict=True)
            for a, b in zip(row, twin, strict=True)
        )

    def shown(self, answer: Any) -> str:
        """Return a small table."""
        return table([[number(value) for value in row] for row in plain(answer)])

    def blank(self) -> str:
        """Return empty boxes; no style sheet is there to draw them."""
        box = (
            '<span style="display:inline-block;width:2.6em;height:1.8em;'
            'border:1px solid currentColor"></span>'
        )
        rows = "<br>".join(box * len(row) for row in plain(self.answer))
        return f'<p style="line-height:0">{rows}</p>'

    def record(self) -> dict[str, Any]:
        """Add tolerance and the name of the grid."""
        return {**super().record(), "tolerance": self.tolerance, "name": self.name}


class QuizCode(anywidget.AnyWidget):
    """Carries what all quizzes of a page run, so that the page holds it once."""

    _esm = "export default {};"

    text = traitlets.Unicode(bundle("quiz.js")).tag(sync=True)
    style = traitlets.Unicode(stylesheet("quiz.css")).tag(sync=True)

    _made: ClassVar["QuizCode | None"] = None

    @classmethod
    def shared(cls) -> "QuizCode":
        """Return the one of this process; make it, or make it anew if it was closed."""
        if cls._made is None or cls._made.comm is None:
            cls._made = cls()
        return cls._made


class Quiz(Explorer):
    """Questions to answer before reading on.

    Parameters
    ----------
    questions
        One or more of ``Number``, ``Shape``, ``Choice`` and ``Cells``.
    key
        ``"page/idea"``: under this name the browser keeps the progress. Questions are
        told apart by their wording, so they may change places.

    Attributes
    ----------
    answers
        What was entered last, for each question; None before the first try.
    tries, solved, shown
        How often the reader tried; whether the right answer was found; whether the
        explanation was opened.

    Raises
    ------
    ValueError
        When there is no question or the key is not of that form.

    Examples
    --------
    >>> question = Choice(
    ...     ask="Is 7 odd?",
    ...     answer=7 % 2 == 1,
    ...     options={"yes": True, "no": False},
    ...     mistakes=[Mistake("counted from zero", False, "Odd numbers leave one.")],
    ...     why="7 = 2·3 + 1",
    ...     see=("Padding", "padding-and-stride#padding"),
    ... )
    >>> quiz = Quiz([question], key="notes/odd")
    >>> quiz.tries, quiz.solved
    ([0], [False])
    """

    title = "Predict, then reveal"

    _esm = bundle("quiz_loader.js")
    _css = ""

    answers: Any = traitlets.List().tag(sync=True)
    tries = traitlets.List(traitlets.Int(min=0)).tag(sync=True)
    solved = traitlets.List(traitlets.Bool()).tag(sync=True)
    shown = traitlets.List(traitlets.Bool()).tag(sync=True)
    _key = traitlets.Unicode().tag(sync=True)
    _code = traitlets.Unicode().tag(sync=True)
    _questions: Any = traitlets.List().tag(sync=True)

    def __init__(self, questions: Sequence[Question], key: str) -> None:
        if not questions:
            raise ValueError("a quiz needs at least one question")
        if not re.fullmatch(r"[\w-]+/[\w-]+", key):
            raise ValueError(f'key is "page/idea", such as "pooling/edge", not {key!r}')
        self.questions = tuple(questions)
        records = [
            {**question.record(), "id": f"{key}/{digest(question.ask)[:8]}"}
            for question in questions
        ]
        if len({record["id"] for record in records}) != len(records):
            raise ValueError("two questions of a quiz are worded alike")
        n = len(questions)
        super().__init__(
            answers=[None] * n,
            tries=[0] * n,
            solved=[False] * n,
            shown=[False] * n,
            _key=key,
            _code=QuizCode.shared().model_id,
            _questions=records,
        )
        self.compose()
        self.box.add_class("cnn-quiz")

    @property
    def key(self) -> str:
        """The name under which the browser keeps the progress."""
        return self._key

    def description(self) -> str:
        """Return the questions as plain text."""
        return "Predict: " + " ".join(
            f"{i}. {words(question.ask)}"
            for i, question in enumerate(self.questions, start=1)
        )

    def picture(self) -> str:
        """Return the pictures of the questions, one below the other."""
        return "".join(question.picture for question in self.questions)

    def fallback(self) -> str:
        """Return the questions for paper, with the answers upside down below."""
        questions = "".join(
            f"<li><p>{q.ask}</p>{q.picture}{q.blank()}</li>" for q in self.questions
        )
        answers = " &nbsp; ".join(
            f"{i}. {_inline(question)}"
            for i, question in enumerate(self.questions, start=1)
        )
        return (
            '<figure class="cnn-fallback cnn-quiz-print" '
            'style="margin:0;text-align:left">'
            f"<p><strong>{self.title}</strong></p><ol>{questions}</ol>"
            '<p style="transform:rotate(180deg);font-size:0.85em">'
            f"Answers: {answers}</p></figure>"
        )


def plain(value: Any) -> Any:
    """Return tensors, arrays and tuples as numbers and nested lists.

    >>> plain((1, (2, 3)))
    [1, [2, 3]]
    """
    for method in ("detach", "tolist"):
        value = getattr(value, method, lambda value=value: value)()
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def number(value: int | float) -> str:
    """Return a number as a reader writes it.

    >>> number(3996001), number(-0.44444)
    ('3,996,001', '−0.4444')
    """
    if isinstance(value, float) and value == int(value):
        value = int(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return text.replace("-", "−")


def words(text: str) -> str:
    """Return HTML as plain text."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def digest(text: str) -> str:
    """Return a name that depends on the text alone."""
    return hashlib.sha256(text.encode()).hexdigest()


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return cells as a small HTML table without headings."""
    lines = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<table class="cnn-table" role="presentation"><tbody>{lines}</tbody></table>'
    )


def _inline(question: Question) -> str:
    if isinstance(question, Cells):
        rows = plain(question.answer)
        return "; ".join(", ".join(number(value) for value in row) for row in rows)
    if isinstance(question, Choice):
        letter = "abcdefgh"[question.shuffled().index(question.shown(question.answer))]
        return f"({letter})"
    return question.shown(question.answer)
