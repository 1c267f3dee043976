"""One page for the instructor: how an assignment went, in pictures and short tables.

The page is self-contained and names no student, but for those whose submission needs a
person and the slowest ones.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path

from autograder.assignment import AssignmentError
from autograder.charts import bars, histogram
from autograder.course import Course
from autograder.outcome import CheckResult, Outcome, Result, State
from autograder.release import write_atomically

Timed = Sequence[tuple[Result, float]]


def write_report(course: Course, name: str, output: Path | None = None) -> Path:
    """Write the page of an assignment; return where it is.

    Raises
    ------
    AssignmentError
        When nothing was graded yet.
    """
    kept = course.kept(name)
    if not kept:
        raise AssignmentError(
            f"nothing of {name} was graded yet (python -m autograder grade)"
        )
    path = output or course.root / "reports" / f"{name}.html"
    write_atomically(path, page(name, kept).encode())
    return path


def page(name: str, kept: Timed) -> str:
    """Return the page as HTML."""
    results = [r for r, _ in kept]
    graded = [r for r in results if r.checks]
    parts = [
        f"<h1>{escape(name)}</h1>",
        _summary(results, graded),
        _section("Scores", _scores(graded)),
        _section("How many pass each check", _pass_rates(graded)),
        _section("Frequent misconceptions", _misconceptions(graded)),
        _section("Needs a person", _needs_a_person(results)),
        _section("Slowest to grade", _slowest(kept)),
    ]
    return PAGE.format(title=escape(name), style=STYLE, body="\n".join(parts))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>" if body else ""


def _summary(results: Sequence[Result], graded: Sequence[Result]) -> str:
    scores = [r.score for r in graded]
    top = max((r.max_score for r in graded), default=0)
    states = Counter(str(r.state) for r in results)
    facts = [
        ("submissions", f"{len(results)}"),
        (
            "median score",
            f"{statistics.median(scores):g} of {top:g}" if scores else "–",
        ),
        ("full marks", f"{sum(s == top for s in scores)}"),
        *((s.replace("_", " "), f"{n}") for s, n in states.items() if s != "graded"),
    ]
    cards = (f"<div><b>{escape(v)}</b><span>{escape(k)}</span></div>" for k, v in facts)
    return f'<div class="cards">{"".join(cards)}</div>'


def _scores(graded: Sequence[Result]) -> str:
    top = max((r.max_score for r in graded), default=0)
    return histogram([r.score for r in graded], top, "Distribution of the scores")


def _pass_rates(graded: Sequence[Result]) -> str:
    checks: dict[str, list[CheckResult]] = defaultdict(list)
    for result in graded:
        for check in result.checks:
            checks[check.name].append(check)
    rows = []
    for own in checks.values():
        passed = sum(c.outcome is Outcome.PASSED for c in own)
        worth = f"{own[0].max_points:g} p." if own[0].max_points else "advice"
        note = f"{passed} of {len(own)} ({100 * passed / len(own):.0f} %), {worth}"
        rows.append((own[0].sentence, passed / len(own), note))
    return bars(rows, "Share of the submissions that pass each check", "good")


def _misconceptions(graded: Sequence[Result], most: int = 12) -> str:
    """Show the most frequent hints, each with what such an answer returned."""
    found: dict[str, list[CheckResult]] = defaultdict(list)
    for result in graded:
        for hint in {c.hint for c in result.checks if c.outcome is Outcome.FAILED}:
            if hint:
                found[hint].append(next(c for c in result.checks if c.hint == hint))
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:most]
    if not ranked:
        return "<p>No check failed with a hint.</p>"
    total = len(graded)
    rows = [(h, len(own) / total, f"{len(own)} of {total}") for h, own in ranked]
    examples = "".join(
        f"<tr><td>{escape(hint)}</td><td>{escape(own[0].message)}</td>"
        f"<td><code>{escape(own[0].example[:300]) or '–'}</code></td></tr>"
        for hint, own in ranked
    )
    table = (
        "<table><thead><tr><th>hint</th><th>what the student reads</th>"
        "<th>an answer that was returned</th></tr></thead>"
        f"<tbody>{examples}</tbody></table>"
    )
    return bars(rows, "Frequent misconceptions", "bad") + table


def _needs_a_person(results: Sequence[Result]) -> str:
    rows = "".join(
        f"<tr><td>{escape(r.student)}</td>"
        f"<td>{escape(str(r.state).replace('_', ' '))}</td>"
        f"<td>{escape(r.reason)}</td></tr>"
        for r in results
        if r.state.needs_person or r.state is State.TIMED_OUT
    )
    if not rows:
        return "<p>Nothing: every submission was read and graded.</p>"
    head = "<thead><tr><th>student</th><th>state</th><th>reason</th></tr></thead>"
    return f"<table>{head}<tbody>{rows}</tbody></table>"


def _slowest(kept: Timed, most: int = 8) -> str:
    ranked = sorted(kept, key=lambda item: -item[1])[:most]
    longest = max((s for _, s in ranked), default=0.0) or 1.0
    rows = [(r.student, s / longest, f"{s:.1f} s") for r, s in ranked]
    return bars(rows, "Slowest submissions")


STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --muted: #566172; --paper: #fffdf9;
  --panel: #f6f2e9; --line: #d8d2c4; --bar: #2563a8; --good: #1f7350; --bad: #b3470b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e0; --muted: #a8b0bd;
  --paper: #14181f; --panel: #1c222c; --line: #3a4352; --bar: #79b8f3; --good: #66cc9f;
  --bad: #f39a66; } }
body { font: 16px/1.5 "Inter Variable", Inter, system-ui, sans-serif; color: var(--ink);
  background: var(--paper); max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin: 0 0 1rem; } h2 { margin: 2rem 0 .75rem; font-size: 1.2rem; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; }
.cards div { background: var(--panel); border-radius: 8px; padding: 12px 16px; }
.cards b { display: block; font-size: 1.4rem; } .cards span { color: var(--muted); }
svg { max-width: 100%; height: auto; display: block; font-size: 13px; }
svg .ink { fill: var(--ink); } svg .muted { fill: var(--muted); }
svg .line { stroke: var(--line); } svg .track { fill: var(--panel); }
svg .bar { fill: var(--bar); } svg .good { fill: var(--good); }
svg .bad { fill: var(--bad); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 6px 8px;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
code { font: 12px/1.4 "JetBrains Mono Variable", ui-monospace, monospace; }
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}: how it went</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
