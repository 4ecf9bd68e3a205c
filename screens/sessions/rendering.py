"""Renders sessions: a row of a list, the states of the steps, the outcome."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from checks.duration import format_stopwatch
from checks.finding import CheckState
from checks.steps import STEPS
from ecotui.session.log import SessionSummary
from screens.style.columns import pad_cells
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED


def step_icons(summary: SessionSummary) -> Content:
    """An icon for each step, in their order."""
    states = set(CheckState)
    parts = []
    for step in STEPS:
        name = summary.steps.get(step.id, "")
        state = CheckState(name) if name in states else None
        parts.append(Content.styled(state_icon(state), state_style(state)))
    return Content.assemble(*parts)


def format_start_time(summary: SessionSummary, *, short: bool = False) -> str:
    """The local day and minute; `short`: without the year."""
    form = "%m-%d %H:%M" if short else "%Y-%m-%d %H:%M"
    return time.strftime(form, time.localtime(summary.started)) if summary.started else "-"


def format_session_duration(summary: SessionSummary) -> str:
    """How long the session took; empty while it is open."""
    if summary.ended is None or not summary.started:
        return ""
    return format_stopwatch(max(summary.ended - summary.started, 0.0))


@dataclass(frozen=True)
class SessionColumns:
    """The widths of the columns of a list of sessions, in cells."""

    outcome: int
    project: int
    operator: int
    is_narrow: bool
    """In a narrow terminal: no year, no operator."""

    @classmethod
    def fit(cls, summaries: Sequence[SessionSummary], width: int) -> SessionColumns:
        is_narrow = width < 100
        return cls(
            outcome=max([7, *(min(cell_len(summary.outcome), 14) for summary in summaries)]),
            project=max([7, *(min(cell_len(summary.project), 16 if is_narrow else 24) for summary in summaries)]),
            operator=0 if is_narrow else max([8, *(min(cell_len(summary.by), 28) for summary in summaries)]),
            is_narrow=is_narrow,
        )

    def render_header(self) -> Content:
        cells = [("steps", len(STEPS)), ("started", 11 if self.is_narrow else 16)]
        text = "  ".join(word.ljust(width) for word, width in cells)
        rest = f"{'outcome':<{self.outcome}}  {'project':<{self.project}}"
        operator = f"  {'operator':<{self.operator}}" if self.operator else ""
        return Content.styled(f"  {text}  {'took':>8}  {rest}{operator}  tags", MUTED)

    def render_row(self, summary: SessionSummary, outcome: str, mark: str = " ") -> Content:
        parts: list[str | Content] = [
            Content.styled(f"{mark} ", "bold $text-accent"),
            step_icons(summary),
            f"  {format_start_time(summary, short=self.is_narrow)}  {format_session_duration(summary):>8}  ",
            pad_cells(Content.styled(outcome, outcome_style(outcome)), self.outcome),
            "  ",
            pad_cells(Content(summary.project), self.project),
        ]
        if self.operator:
            parts += ["  ", Content.styled(pad_cells(Content(summary.by), self.operator).plain, MUTED)]
        if summary.tags:
            parts += ["  ", Content.styled(" ".join(f"#{tag}" for tag in summary.tags), "$text-accent")]
        return Content.assemble(*parts)


def outcome_style(outcome: str) -> str:
    """The colour of an outcome."""
    if outcome in ("done", "rebuilt"):
        return "$text-success"
    if outcome in ("failed", "unreadable"):
        return "$text-error"
    return "$text-accent" if outcome == "running" else "$foreground"


def render_step_states(summary: SessionSummary, width: int) -> Content:
    """The steps with their states and the durations of their commands, in as many columns as fit."""
    cells = []
    for step in STEPS:
        name = summary.steps.get(step.id, "")
        state = CheckState(name) if name in set(CheckState) else None
        seconds = (summary.took or {}).get(step.id)
        cells.append(
            Content.assemble(
                Content.styled(state_icon(state), state_style(state)),
                f" {step.title}",
                Content.styled(f" {format_stopwatch(seconds)}" if seconds is not None else "", MUTED),
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
