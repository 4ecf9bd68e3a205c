"""A session as every export format needs it, and the export for programs (JSON)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from checks.duration import format_duration
from checks.finding import STATE_ICONS, CheckState
from checks.steps import STEPS
from ecotui.history.anonymize import MaskText, mask_all
from ecotui.session import events, hash_chain
from ecotui.session.command_text import command_outcome
from ecotui.session.event_text import (
    EventFormatter,
    ReadOutput,
    TimelineEntry,
    append_commit,
    describe_end,
    format_local_time,
    format_utc_time,
)
from ecotui.session.log import Session, SessionSummary

ExplainCommand = Callable[[str], Sequence[str]]
"""Takes a command's id; gives the guide's entries that explain its output, a line each."""


MAX_EXPORTED_EVENTS = 5_000
"""The newest events, which are exported: nobody reads more, and a browser does not show a million. As many decisions and
notes are exported beside them."""


@dataclass(frozen=True)
class ExportedCommand:
    """A command, as the log has it."""

    id: str
    step: str
    title: str
    start_time: float
    """Seconds since the epoch."""
    seconds: float | None
    """None while it runs, or when its end was not recorded."""
    outcome: str
    outcome_text: str
    state: CheckState | None = None
    """None while it has not ended."""
    argv: tuple[str, ...] = ()

    @property
    def icon(self) -> str:
        return "…" if self.state is None else STATE_ICONS[self.state]


@dataclass(frozen=True)
class ExportedStep:
    """A step with its last state."""

    id: str
    title: str
    state: CheckState | None
    """None: it was never checked."""
    duration: str
    """Of its commands, in all; empty where none ran."""

    @property
    def icon(self) -> str:
        return "○" if self.state is None else STATE_ICONS[self.state]

    @property
    def state_text(self) -> str:
        return "not checked yet" if self.state is None else self.state.value


@dataclass(frozen=True)
class SessionExport:
    """A session, read once."""

    summary: SessionSummary
    verification: hash_chain.ChainVerification
    start_event: events.SessionStarted | None
    commits: str
    """Of the project: at the start, and each other commit at which the session was resumed."""
    commands: tuple[ExportedCommand, ...]
    entries: tuple[TimelineEntry, ...]
    """The newest, at most `MAX_EXPORTED_EVENTS`."""
    omitted_events: int
    """How many events were before those."""
    start_time: float
    """When the first event was, in seconds since the epoch."""
    decisions: tuple[TimelineEntry, ...]
    notes: tuple[TimelineEntry, ...]
    step_seconds: dict[str, float]
    """Step to the seconds in which a command of it ran."""

    @property
    def header_rows(self) -> tuple[tuple[str, str], ...]:
        """The facts at the top, as name and value."""
        summary, log = self.summary, self.verification
        duration = (
            "" if summary.ended is None else f", after {format_duration(summary.ended - summary.started, tenths=True)}"
        )
        chain = "whole" if log.is_intact else f"broken at line {log.broken_line}: {log.reason}"
        rows = [
            ("Started", f"{format_local_time(summary.started)} by {summary.by or 'somebody'}"),
            ("Ended", f"{format_local_time(summary.ended)}{duration}" if summary.ended else "not yet"),
            ("Outcome", summary.outcome or "open"),
            ("Project folder", summary.folder),
        ]
        if self.commits:
            rows.append(("Commit", self.commits))
        if self.start_event is not None and self.start_event.version:
            rows.append(("ecotui", self.start_event.version))
        if summary.tags:
            rows.append(("Tags", " ".join(f"#{tag}" for tag in summary.tags)))
        rows.append(("Log", f"{log.event_count} events, the chain is {chain} (head {log.head_hash[:16]})"))
        return tuple(rows)

    @property
    def steps(self) -> tuple[ExportedStep, ...]:
        """Step by step, in their order."""
        rows = []
        for step in STEPS:
            name = self.summary.steps.get(step.id, "")
            state = CheckState(name) if name in set(CheckState) else None
            seconds = self.step_seconds.get(step.id)
            rows.append(
                ExportedStep(
                    step.id, step.title, state, "" if seconds is None else format_duration(seconds, tenths=True)
                )
            )
        return tuple(rows)


def read_export(session: Session) -> SessionExport:
    """Read all of it. Raises SessionError."""
    formatter = EventFormatter()
    entries: deque[TimelineEntry] = deque(maxlen=MAX_EXPORTED_EVENTS)
    decisions: deque[TimelineEntry] = deque(maxlen=MAX_EXPORTED_EVENTS)
    notes: deque[TimelineEntry] = deque(maxlen=MAX_EXPORTED_EVENTS)
    start_time, total, commits = 0.0, 0, ""
    start_event: events.SessionStarted | None = None
    commands: dict[str, ExportedCommand] = {}
    counted = SessionSummary(id=session.id)
    for record in session.read_records():
        counted.add_event(record)
        entry = formatter.format_record(record)
        entries.append(entry)
        if entry.is_decision:
            decisions.append(entry)
        elif entry.text == "note":
            notes.append(entry)
        start_time, total = start_time or record.timestamp, total + 1
        match record.event:
            case events.SessionStarted() as event:
                start_event, commits = event, append_commit(commits, event)
            case events.SessionResumed() as event:
                commits = append_commit(commits, event)
            case events.CommandStarted(command=id, step=step, title=title, argv=argv):
                commands[id] = ExportedCommand(
                    id, step, title, record.timestamp, None, "", "not ended", None, tuple(argv)
                )
            case events.CommandEnded(command=id, seconds=seconds, outcome=outcome) as end if id in commands:
                command = commands[id]
                state, _ = command_outcome(command.argv, outcome, end.exit_code)
                outcome_text = describe_end(end, command.argv)
                commands[id] = ExportedCommand(
                    id,
                    command.step,
                    command.title,
                    command.start_time,
                    seconds,
                    outcome,
                    outcome_text,
                    state,
                    command.argv,
                )
    return SessionExport(
        summary=session.read_summary(),
        verification=session.verify(),
        start_event=start_event,
        commits=commits,
        commands=tuple(commands.values()),
        entries=tuple(entries),
        omitted_events=total - len(entries),
        start_time=start_time,
        decisions=tuple(decisions),
        notes=tuple(notes),
        step_seconds=counted.took or {},
    )


def list_exported_commands(session: Session) -> list[ExportedCommand]:
    """The commands in the order in which they began. Raises SessionError."""
    return list(read_export(session).commands)


def export_json(session: Session, read_output: ReadOutput, mask: MaskText, *, lines: int = 400) -> dict[str, Any]:
    """Everything as one JSON object, outputs from their ends. Raises SessionError."""
    export = read_export(session)
    document = {
        "session": msgspec.to_builtins(export.summary),
        "log": {
            "whole": export.verification.is_intact,
            "events": export.verification.event_count,
            "broken_line": export.verification.broken_line,
        },
        "events": [
            {"n": record.number, "at": format_utc_time(record.timestamp), "event": msgspec.to_builtins(record.event)}
            for record in session.read_records()
        ],
        "outputs": [
            {"command": command.id, "title": command.title, "lines": "\n".join(read_output(command.id, lines))}
            for command in export.commands
        ],
    }
    masked = mask_all(document, mask)
    for command in masked["outputs"]:
        command["lines"] = command["lines"].splitlines()
    return dict(masked)
