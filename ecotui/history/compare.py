"""Two sessions side by side: how long the steps and the resources took, what failed, with which tools and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from checks.apply.run.duration_history import DurationHistory
from checks.duration import format_duration
from checks.finding import CheckState
from checks.steps import STEPS
from ecotui.history.apply_streams import BoundedLogReader, is_apply_stream
from ecotui.session import events
from ecotui.session.command_text import command_outcome
from ecotui.session.event_text import EventFormatter, append_commit
from ecotui.session.log import Session, SessionSummary
from ecotui.supervisor.commands import list_commands


@dataclass(frozen=True)
class ComparedSession:
    """One of the two sessions."""

    id: str
    project: str = ""
    by: str = ""
    started: float = 0.0
    """Seconds since the epoch."""
    outcome: str = ""
    seconds: float | None = None
    """From start to end; None while it is open."""
    version: str = ""
    commit: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    recorded: bool = False
    """Whether the settings were recorded; an older ecotui did not."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Name to version, by the last check of the environment."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """Step to the state of its last check."""
    took: Mapping[str, float] = field(default_factory=dict)
    """Step to the seconds that its commands ran."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """`create aws_vpc.main` to seconds."""
    failures: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    """The last result of each finding, and of each command by its title."""


@dataclass(frozen=True)
class ComparisonRow:
    """One value in both sessions; empty where a session does not have it."""

    label: str
    before: str
    after: str
    change_seconds: float | None = None
    """For durations: the seconds by which the second session took longer."""

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class ComparisonSection:
    title: str
    rows: tuple[ComparisonRow, ...]

    @property
    def changed_rows(self) -> tuple[ComparisonRow, ...]:
        return tuple(row for row in self.rows if not row.is_same)


@dataclass(frozen=True)
class Comparison:
    before: ComparedSession
    after: ComparedSession
    sections: tuple[ComparisonSection, ...]

    @property
    def differences(self) -> tuple[ComparisonRow, ...]:
        """Where findings and commands came out differently."""
        return next(one.changed_rows for one in self.sections if one.title == FINDINGS_TITLE)


FINDINGS_TITLE = "Findings and commands"


def read_compared_session(session: Session) -> ComparedSession:
    """Read one session. Raises SessionError."""
    summary = session.read_summary()
    formatter = EventFormatter()
    fields: dict[str, Any] = {"settings": {}, "tools": {}}
    counted = SessionSummary(id=session.id)
    results: dict[str, str] = {}
    failures: list[str] = []
    for record in session.read_records():
        counted.add_event(record)
        entry = formatter.format_record(record)
        match record.event:
            case events.SessionStarted() as event:
                fields |= {
                    "version": event.version,
                    "commit": append_commit("", event),
                    "settings": event.settings,
                    "recorded": bool(event.digest),
                }
            case events.SessionResumed() as event:
                fields["commit"] = append_commit(fields.get("commit", ""), event)
            case events.CheckReported(report=report):
                for finding in report.findings:
                    results[finding.id] = f"{finding.state.value}: {finding.summary}"
                if report.step == "environment":
                    fields["tools"] = dict(_tool_versions(report.detail)) or fields["tools"]
            case events.CommandEnded() as event:
                request = formatter.request_for(event.command)
                step = event.step or request.step
                _, results[f"{step}: {request.title}"] = command_outcome(request.argv, event.outcome, event.exit_code)
                if entry.state is CheckState.BLOCKED:
                    failures.append(f"{step}: {entry.text}")
    return ComparedSession(
        id=session.id,
        project=summary.project,
        by=summary.by,
        started=summary.started,
        outcome=summary.outcome,
        seconds=None if summary.ended is None else max(summary.ended - summary.started, 0.0),
        steps=summary.steps,
        took=counted.took or {},
        resources=_resource_seconds(session),
        failures=tuple(failures),
        words=results,
        **fields,
    )


def compare_sessions(before: Session, after: Session) -> Comparison:
    """Both sessions, and the values that differ. Raises SessionError."""
    first, second = read_compared_session(before), read_compared_session(after)
    return Comparison(first, second, tuple(_comparison_sections(first, second)))


def _comparison_sections(one: ComparedSession, other: ComparedSession) -> Iterator[ComparisonSection]:
    yield ComparisonSection(
        "Session",
        (
            ComparisonRow("outcome", one.outcome or "open", other.outcome or "open"),
            _duration_row("time from start to end", one.seconds, other.seconds),
            ComparisonRow("operator", one.by, other.by),
            ComparisonRow("commit of the project", one.commit or "not recorded", other.commit or "not recorded"),
            ComparisonRow("ecotui", one.version, other.version),
        ),
    )
    yield ComparisonSection(
        "Steps, last check",
        tuple(
            ComparisonRow(step.title, one.steps.get(step.id, ""), other.steps.get(step.id, ""))
            for step in STEPS
            if step.id in one.steps or step.id in other.steps
        ),
    )
    yield ComparisonSection(
        "Steps, duration of their commands",
        tuple(
            _duration_row(step.title, one.took.get(step.id), other.took.get(step.id))
            for step in STEPS
            if step.id in one.took or step.id in other.took
        ),
    )
    yield ComparisonSection("Resources, largest differences first", tuple(_resource_rows(one, other)))
    yield ComparisonSection("Failures", tuple(_failure_rows(one, other)))
    yield ComparisonSection("Tools", _mapping_rows(one.tools, other.tools))
    if one.recorded and other.recorded:
        yield ComparisonSection("Settings", _mapping_rows(one.settings, other.settings))
    elif one.recorded or other.recorded:
        yield ComparisonSection(
            "Settings", (ComparisonRow("all", _recorded_text(one.recorded), _recorded_text(other.recorded)),)
        )
    yield ComparisonSection(FINDINGS_TITLE, _mapping_rows(one.words, other.words))


def _resource_rows(one: ComparedSession, other: ComparedSession) -> Iterator[ComparisonRow]:
    if not one.resources or not other.resources:  # only one of them applied anything
        yield ComparisonRow("resources that were applied", str(len(one.resources)), str(len(other.resources)))
        return
    lengths = [
        _duration_row(address, one.resources.get(address), other.resources.get(address))
        for address in dict.fromkeys((*one.resources, *other.resources))
    ]
    yield from sorted(lengths, key=lambda row: -abs(row.change_seconds or 0.0))


def _recorded_text(recorded: bool) -> str:
    return f"{'' if recorded else 'not '}recorded"


def _failure_rows(one: ComparedSession, other: ComparedSession) -> Iterator[ComparisonRow]:
    """Failures by command, whatever time they took."""

    def counted(side: ComparedSession) -> dict[str, int]:
        counts: dict[str, int] = {}
        for failure in side.failures:
            failure = failure.partition(", after ")[0]
            counts[failure] = counts.get(failure, 0) + 1
        return counts

    before_counts, after_counts = counted(one), counted(other)
    for failure in dict.fromkeys((*before_counts, *after_counts)):
        before, after = (f"{side[failure]}×" if failure in side else "" for side in (before_counts, after_counts))
        yield ComparisonRow(failure, before, after)


def _mapping_rows(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[ComparisonRow, ...]:
    return tuple(ComparisonRow(what, one.get(what, ""), other.get(what, "")) for what in dict.fromkeys((*one, *other)))


def _duration_row(what: str, one: float | None, other: float | None) -> ComparisonRow:
    before, after = ("" if seconds is None else format_duration(seconds, tenths=True) for seconds in (one, other))
    return ComparisonRow(what, before, after, None if one is None or other is None else round(other - one, 3))


def _tool_versions(detail: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """The tools in a report of the environment step, of any version of ecotui."""
    tools = (detail or {}).get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("name"):
            yield str(tool["name"]), str(tool.get("version") or "")


def _resource_seconds(session: Session) -> dict[str, float]:
    """How long each resource took in this session's applies; unreadable outputs are left out."""
    history, reader = DurationHistory(), BoundedLogReader()
    for command in filter(is_apply_stream, reversed(list_commands(session))):
        history.add_run(reader.lines(command))
    return {key: seconds for key, (seconds, _) in history.stats().addresses.items()}


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """The shape of `ecotui.sessions.compare/1`."""

    def difference(row: ComparisonRow) -> dict[str, Any]:
        return {"what": row.label, "before": row.before or "-", "after": row.after or "-"}

    def session_document(side: ComparedSession) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.to_builtins(side)
        del document["words"]
        return document

    return {
        "before": comparison.before.id,
        "after": comparison.after.id,
        "differences": [difference(row) for row in comparison.differences],
        "sessions": [session_document(comparison.before), session_document(comparison.after)],
        "sections": [
            {
                "title": section.title,
                "rows": [
                    {"what": row.label, "before": row.before, "after": row.after, "change_s": row.change_seconds}
                    for row in section.rows
                ],
            }
            for section in comparison.sections
        ],
    }
