"""What a check and a submission can come to: a sentence, a hint, whose fault it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Outcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # a check that it depends on did not pass
    GRADER_ERROR = "grader_error"  # the grader failed, not the student


class State(StrEnum):
    """How the grading of one submission ended."""

    GRADED = "graded"
    UNREADABLE = "unreadable"
    TIMED_OUT = "timed_out"
    GRADER_ERROR = "grader_error"

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to look before the score can stand."""
        return self in (State.GRADER_ERROR, State.UNREADABLE)


@dataclass
class CheckResult:
    """One check of one submission."""

    name: str
    cell: str  # the answer that it belongs to
    sentence: str  # what is checked, for the student
    max_points: float
    points: float = 0.0
    outcome: Outcome = Outcome.PASSED
    message: str = ""
    hint: str = ""
    seeds: dict[str, int] = field(default_factory=dict)  # case -> seed
    example: str = ""  # what the answer returned, for the instructor's report

    def public(self) -> dict[str, Any]:
        """Return the part that ``check --json`` prints."""
        return {
            "name": self.name,
            "points": self.points,
            "max_points": self.max_points,
            "outcome": str(self.outcome),
            "message": self.message,
            "hint": self.hint,
        }


@dataclass
class Result:
    """One graded submission."""

    assignment: str
    state: State
    checks: list[CheckResult] = field(default_factory=list)
    student: str = ""
    reason: str = ""  # for every state but GRADED
    warnings: list[str] = field(default_factory=list)
    key: str = ""

    @property
    def score(self) -> float:
        """Points earned."""
        return round(sum(c.points for c in self.checks), 6)

    @property
    def max_score(self) -> float:
        """Points to be had."""
        return round(sum(c.max_points for c in self.checks), 6)

    def by_cell(self) -> dict[str, list[CheckResult]]:
        """Group the checks by the answer that they belong to, in order."""
        cells: dict[str, list[CheckResult]] = {}
        for check in self.checks:
            cells.setdefault(check.cell, []).append(check)
        return cells

    def public(self) -> dict[str, Any]:
        """Return what ``check --json`` prints."""
        return {
            "assignment": self.assignment,
            "state": str(self.state),
            "score": self.score,
            "max_score": self.max_score,
            "checks": [c.public() for c in self.checks],
        }

    def dumps(self) -> str:
        """Return the whole result as JSON, the same bytes for the same result."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=True)

    @classmethod
    def loads(cls, text: str) -> Result:
        """Read back what ``dumps`` wrote.

        >>> Result.loads(Result("corr2d", State.GRADED).dumps()).state
        <State.GRADED: 'graded'>
        """
        fields: Mapping[str, Any] = json.loads(text)
        checks = [
            CheckResult(**{**c, "outcome": Outcome(c["outcome"])})
            for c in fields["checks"]
        ]
        return cls(**{**fields, "state": State(fields["state"]), "checks": checks})

    @classmethod
    def read(cls, path: Path) -> Result:
        """Read a result file."""
        return cls.loads(path.read_text(encoding="utf-8"))
