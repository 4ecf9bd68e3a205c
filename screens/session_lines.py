"""How sessions and what happened in them are drawn: the row of a session, a line of its timeline, what is behind one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from checks.finding import Report, State
from checks.span import stopwatch
from checks.steps import STEPS
from ecotui.session import events
from ecotui.session.log import Summary
from ecotui.session.review import Moment
from screens.layout import hang, padded
from screens.signs import sign, style

MUTED = "$foreground 62%"
SETTINGS = 60
"""Settings that are shown of a session's beginning."""


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
    form = "%m-%d %H:%M" if short else "%Y-%m-%d %H:%M"
    return time.strftime(form, time.localtime(summary.started)) if summary.started else "-"


def took(summary: Summary) -> str:
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


MARKS = {
    "session": "•",
    "decision": "⚑",
    "command": "▶",
    "guide": "§",
    "note": "✎",
    "look": "·",
    "other": "·",
}


def line(moment: Moment, *, day: bool = False) -> Content:
    """One event as a line of the timeline."""
    form = "%m-%d %H:%M:%S  " if day else "%H:%M:%S  "
    when = Content.styled(time.strftime(form, time.localtime(moment.at)), MUTED)
    if moment.state is not None:
        mark = Content.styled(sign(moment.state), style(moment.state))
    else:
        mark = Content.styled(MARKS[moment.kind], "$text-warning" if moment.decided else "$text-accent")
    text = Content(moment.text)
    if moment.decided:
        text = text.stylize("$text-warning")
    elif moment.kind in ("session", "note"):
        text = text.stylize("bold")
    more = next((one for one in moment.detail), "")
    if moment.kind == "look":
        more = more.partition(": ")[2].rpartition(" [")[0]
    tail = Content.styled(f"  {more}", MUTED) if more else Content("")
    return Content.assemble(when, mark, " ", text, tail)


def hit_line(title: str, text: str, words: str, width: int) -> Content:
    """A line of an output in which words were found, so that they are in sight."""
    content = Content(text)
    at = text.lower().find(words.lower())
    if at >= 0:
        content = content.stylize("bold $text-warning", at, at + len(words))
        if at > width // 2:
            content = Content.assemble("…", content[at - width // 4 :])
    return Content.assemble(Content.styled(f"{title}  ", MUTED), content)


def behind(moment: Moment, event: events.Event | events.Unknown, width: int) -> Content:
    """All that the log has of an event, for reading."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment.at))
    parts = [
        hang(Content(""), moment.text, width, "bold"),
        Content.styled(f"{when}   event {moment.n}", MUTED),
        Content(""),
    ]
    match event:
        case events.Looked(report=report):
            parts.append(_report(report, width))
        case events.CommandStarted(cwd=cwd):
            parts += [_detail(moment, width), Content.styled(f"in {cwd}", MUTED)]
        case events.SessionStarted(settings=settings, digest=digest):
            parts.append(_detail(moment, width))
            if settings:
                parts += [Content(""), Content.styled(f"Settings (digest {digest})", "bold")]
                parts += [
                    hang(Content.styled(f"{key} ", MUTED), value, width)
                    for key, value in list(settings.items())[:SETTINGS]
                ]
        case events.Unknown(raw=raw):
            parts.append(hang(Content(""), raw, width, MUTED))
        case _ if moment.detail:
            parts.append(_detail(moment, width))
        case _:
            parts.pop()
    return Content("\n").join(parts)


def _detail(moment: Moment, width: int) -> Content:
    return Content("\n").join(
        hang(
            Content.styled("$ ", "$text-accent") if text.startswith("$ ") else Content(""),
            text.removeprefix("$ "),
            width,
            "$text-accent" if text.startswith("$ ") else "",
        )
        for text in moment.detail
    )


def _report(report: Report, width: int) -> Content:
    order = (State.BLOCKED, State.UNKNOWN, State.WARN, State.OK, State.SKIPPED)
    lines = []
    for finding in sorted(report.findings, key=lambda one: order.index(one.state)):
        mark = Content.styled(f"{sign(finding.state)} ", style(finding.state))
        lines.append(hang(mark, finding.summary, width))
        known = [finding.id, *(f"guide {entry}" for entry in finding.guide)]
        lines.append(Content.styled(f"  {'   '.join(known)}", MUTED))
        if finding.state not in (State.OK, State.SKIPPED):
            lines += [
                hang(Content.styled(f"  {fact.label}  ", MUTED), fact.value, width) for fact in finding.facts
            ]
    return Content("\n").join(lines)
