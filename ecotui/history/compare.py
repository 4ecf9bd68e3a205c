"""Two sessions side by side: how long the steps and the resources took, what failed, with which tools and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from checks.apply.run.durations import History
from checks.duration import span
from checks.finding import State
from checks.steps import STEPS
from ecotui.history.apply_streams import is_stream
from ecotui.session import events
from ecotui.session.event_text import Teller, commits
from ecotui.session.log import Session, Summary
from ecotui.session.outcome import verdict
from ecotui.session.private_files import open_file
from ecotui.supervisor.commands import commands
from ecotui.supervisor.paths import OUTPUT

BYTES = 64_000_000
"""Of one session's streams, read for the times of its resources."""


@dataclass(frozen=True)
class Side:
    """One of the two, read back."""

    id: str
    project: str = ""
    by: str = ""
    started: float = 0.0
    """Seconds since the epoch."""
    outcome: str = ""
    seconds: float | None = None
    """From the beginning to the end; None while it is open."""
    version: str = ""
    commit: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    recorded: bool = False
    """Whether the settings were written down; an older ecotui did not."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Name to version, by the last look at the environment."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """Step to the state of its last look."""
    took: Mapping[str, float] = field(default_factory=dict)
    """Step to the seconds that its commands ran."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """`create aws_vpc.main` to seconds."""
    failures: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    """The last that was said of each finding, and of each kind of command."""


@dataclass(frozen=True)
class Row:
    """What two sessions say about one thing; empty where one says nothing."""

    what: str
    before: str
    after: str
    change: float | None = None
    """Seconds more (or, below zero, fewer) in the second one, of what is a length of time."""

    @property
    def same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Section:
    title: str
    rows: tuple[Row, ...]

    @property
    def different(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.same)


@dataclass(frozen=True)
class Comparison:
    before: Side
    after: Side
    sections: tuple[Section, ...]

    @property
    def differences(self) -> tuple[Row, ...]:
        """Where findings and commands came out differently."""
        return next(one.different for one in self.sections if one.title == FINDINGS)


FINDINGS = "Findings and commands"


def side(session: Session) -> Side:
    """Read one session. Raises SessionError."""
    summary = session.summary()
    teller = Teller()
    found: dict[str, Any] = {"settings": {}, "tools": {}}
    count = Summary(id=session.id)
    words: dict[str, str] = {}
    failures: list[str] = []
    for record in session.records():
        count.take(record)
        moment = teller.tell(record)
        match record.event:
            case events.SessionStarted() as begun:
                found |= {
                    "version": begun.version,
                    "commit": commits("", begun),
                    "settings": begun.settings,
                    "recorded": bool(begun.digest),
                }
            case events.Reattached() as again:
                found["commit"] = commits(found.get("commit", ""), again)
            case events.Looked(report=report):
                for finding in report.findings:
                    words[finding.id] = f"{finding.state.value}: {finding.summary}"
                if report.step == "environment":
                    found["tools"] = dict(_tools(report.detail)) or found["tools"]
            case events.CommandEnded() as end:
                asked = teller.asked(end.command)
                step = end.step or asked.step
                _, words[f"{step}: {asked.title}"] = verdict(asked.argv, end.outcome, end.exit_code)
                if moment.state is State.BLOCKED:
                    failures.append(f"{step}: {moment.text}")
    return Side(
        id=session.id,
        project=summary.project,
        by=summary.by,
        started=summary.started,
        outcome=summary.outcome,
        seconds=None if summary.ended is None else max(summary.ended - summary.started, 0.0),
        steps=summary.steps,
        took=count.took or {},
        resources=_resources(session),
        failures=tuple(failures),
        words=words,
        **found,
    )


def compare(before: Session, after: Session) -> Comparison:
    """Both, and what differs. Raises SessionError."""
    one, other = side(before), side(after)
    return Comparison(one, other, tuple(_sections(one, other)))


def _sections(one: Side, other: Side) -> Iterator[Section]:
    yield Section(
        "Session",
        (
            Row("outcome", one.outcome or "open", other.outcome or "open"),
            _length("time from begin to end", one.seconds, other.seconds),
            Row("operator", one.by, other.by),
            Row("commit of the project", one.commit or "not recorded", other.commit or "not recorded"),
            Row("ecotui", one.version, other.version),
        ),
    )
    yield Section(
        "Steps, last look",
        tuple(
            Row(step.title, one.steps.get(step.id, ""), other.steps.get(step.id, ""))
            for step in STEPS
            if step.id in one.steps or step.id in other.steps
        ),
    )
    yield Section(
        "Steps, time of their commands",
        tuple(
            _length(step.title, one.took.get(step.id), other.took.get(step.id))
            for step in STEPS
            if step.id in one.took or step.id in other.took
        ),
    )
    yield Section("Resources, largest differences first", tuple(_resource_rows(one, other)))
    yield Section("Failures", tuple(_failures(one, other)))
    yield Section("Tools", _both(one.tools, other.tools))
    if one.recorded and other.recorded:
        yield Section("Settings", _both(one.settings, other.settings))
    elif one.recorded or other.recorded:
        yield Section("Settings", (Row("all", _known(one.recorded), _known(other.recorded)),))
    yield Section(FINDINGS, _both(one.words, other.words))


def _resource_rows(one: Side, other: Side) -> Iterator[Row]:
    if not one.resources or not other.resources:  # only one of them applied anything
        yield Row("resources that were applied", str(len(one.resources)), str(len(other.resources)))
        return
    lengths = [
        _length(address, one.resources.get(address), other.resources.get(address))
        for address in dict.fromkeys((*one.resources, *other.resources))
    ]
    yield from sorted(lengths, key=lambda row: -abs(row.change or 0.0))


def _known(recorded: bool) -> str:
    return f"{'' if recorded else 'not '}recorded"


def _failures(one: Side, other: Side) -> Iterator[Row]:
    """By what failed, however long it took until then."""

    def counted(side: Side) -> dict[str, int]:
        counts: dict[str, int] = {}
        for failure in side.failures:
            told = failure.partition(", after ")[0]
            counts[told] = counts.get(told, 0) + 1
        return counts

    first, second = counted(one), counted(other)
    for told in dict.fromkeys((*first, *second)):
        before, after = (f"{side[told]}×" if told in side else "" for side in (first, second))
        yield Row(told, before, after)


def _both(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[Row, ...]:
    return tuple(Row(what, one.get(what, ""), other.get(what, "")) for what in dict.fromkeys((*one, *other)))


def _length(what: str, one: float | None, other: float | None) -> Row:
    before, after = ("" if seconds is None else span(seconds, tenths=True) for seconds in (one, other))
    return Row(what, before, after, None if one is None or other is None else round(other - one, 3))


def _tools(detail: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Of a report of the environment step, which may be an older or newer ecotui's."""
    tools = (detail or {}).get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("name"):
            yield str(tool["name"]), str(tool.get("version") or "")


def _resources(session: Session) -> dict[str, float]:
    """What each resource took in this session's applies; what cannot be read is left out."""
    import os

    history, left = History(), BYTES
    for command in reversed(commands(session)):
        if not is_stream(command) or left <= 0:
            continue
        try:
            with os.fdopen(open_file(command.folder / OUTPUT, os.O_RDONLY), "rb") as stream:
                lines = stream.read(left).split(b"\n")
        except OSError:
            continue
        left -= sum(map(len, lines))
        history.take(lines)
    return {key: seconds for key, (seconds, _) in history.times().addresses.items()}


def public(comparison: Comparison) -> dict[str, Any]:
    """The shape of `ecotui.sessions.compare/1`."""

    def dashed(row: Row) -> dict[str, Any]:
        return {"what": row.what, "before": row.before or "-", "after": row.after or "-"}

    def told(side: Side) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(side)
        del plain["words"]
        return plain

    return {
        "before": comparison.before.id,
        "after": comparison.after.id,
        "differences": [dashed(row) for row in comparison.differences],
        "sessions": [told(comparison.before), told(comparison.after)],
        "sections": [
            {
                "title": section.title,
                "rows": [
                    {"what": row.what, "before": row.before, "after": row.after, "change_s": row.change}
                    for row in section.rows
                ],
            }
            for section in comparison.sections
        ],
    }
