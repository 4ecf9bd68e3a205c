"""How sessions are drawn: the row of one in a list, its steps, how it ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from checks.duration import stopwatch
from checks.finding import State
from checks.steps import STEPS
from ecotui.session.log import Summary
from screens.style.columns import padded
from screens.style.icons import sign, style

MUTED = "$foreground 62%"


def picture(summary: Summary) -> Content:
    """A sign for each step, in their order."""
    states = set(State)
    parts = []
    for step in STEPS:
        word = summary.steps.get(step.id, "")
        state = State(word) if word in states else None
        parts.append(Content.styled(sign(state), style(state)))
    return Content.assemble(*parts)


def began(summary: Summary, *, short: bool = False) -> str:
    """The local day and minute; `short`: without the year."""
    form = "%m-%d %H:%M" if short else "%Y-%m-%d %H:%M"
    return time.strftime(form, time.localtime(summary.started)) if summary.started else "-"


def took(summary: Summary) -> str:
    """How long it took; empty while it is open."""
    if summary.ended is None or not summary.started:
        return ""
    return stopwatch(max(summary.ended - summary.started, 0.0))


@dataclass(frozen=True)
class Columns:
    """How wide the columns of a list of sessions are, in cells."""

    outcome: int
    project: int
    operator: int
    short: bool
    """In a narrow terminal: no year, no operator."""

    @classmethod
    def fit(cls, summaries: Sequence[Summary], width: int) -> Columns:
        short = width < 100
        return cls(
            outcome=max([7, *(min(cell_len(one.outcome), 14) for one in summaries)]),
            project=max([7, *(min(cell_len(one.project), 16 if short else 24) for one in summaries)]),
            operator=0 if short else max([8, *(min(cell_len(one.by), 28) for one in summaries)]),
            short=short,
        )

    def head(self) -> Content:
        cells = [("steps", len(STEPS)), ("begun", 11 if self.short else 16)]
        text = "  ".join(word.ljust(width) for word, width in cells)
        rest = f"{'outcome':<{self.outcome}}  {'project':<{self.project}}"
        who = f"  {'operator':<{self.operator}}" if self.operator else ""
        return Content.styled(f"  {text}  {'took':>8}  {rest}{who}  tags", MUTED)

    def row(self, summary: Summary, outcome: str, mark: str = " ") -> Content:
        parts: list[str | Content] = [
            Content.styled(f"{mark} ", "bold $text-accent"),
            picture(summary),
            f"  {began(summary, short=self.short)}  {took(summary):>8}  ",
            padded(Content.styled(outcome, outcome_style(outcome)), self.outcome),
            "  ",
            padded(Content(summary.project), self.project),
        ]
        if self.operator:
            parts += ["  ", Content.styled(padded(Content(summary.by), self.operator).plain, MUTED)]
        if summary.tags:
            parts += ["  ", Content.styled(" ".join(f"#{tag}" for tag in summary.tags), "$text-accent")]
        return Content.assemble(*parts)


def outcome_style(outcome: str) -> str:
    """The colour of how a session ended."""
    if outcome in ("done", "rebuilt"):
        return "$text-success"
    if outcome in ("failed", "unreadable"):
        return "$text-error"
    return "$text-accent" if outcome == "running" else "$foreground"


def steps_told(summary: Summary, width: int) -> Content:
    """The steps with their states and how long their commands ran, in as many columns as there is room for."""
    cells = []
    for step in STEPS:
        word = summary.steps.get(step.id, "")
        state = State(word) if word in set(State) else None
        seconds = (summary.took or {}).get(step.id)
        cells.append(
            Content.assemble(
                Content.styled(sign(state), style(state)),
                f" {step.title}",
                Content.styled(f" {stopwatch(seconds)}" if seconds is not None else "", MUTED),
            )
        )
    lines, line = [], Content("")
    for cell in cells:
        longer = Content.assemble(line, "   " if line.plain else "", cell)
        if longer.cell_length > width and line.plain:
            lines.append(line)
            line = cell
        else:
            line = longer
    return Content("\n").join([*lines, line])
