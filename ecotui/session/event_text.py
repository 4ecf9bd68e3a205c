"""Events of a session in plain words, each with its kind, so that a session can be drawn, filtered and exported."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from checks.duration import format_duration
from checks.finding import CheckState, Report
from ecotui.session import events
from ecotui.session.command_text import command_outcome

ReadOutput = Callable[[str, int], Sequence[str]]
"""Gives the last so many lines of a command's output, by the command's id."""
EntryKind = Literal["session", "check", "decision", "command", "guide", "note", "other"]
COMMIT_SEPARATOR = " → "
"""Between two commits of a session that was resumed at another one."""


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the timeline."""

    timestamp: float
    """Seconds since the epoch."""
    text: str
    details: tuple[str, ...] = ()
    command: str = ""
    """The id of the command that this is about, where there is one."""
    kind: EntryKind = "other"
    step: str = ""
    state: CheckState | None = None
    """Of a check, and of the end of a command."""
    is_decision: bool = False
    """The operator chose something here."""
    event_number: int = 0
    """The event's number in the log."""

    @property
    def is_failure(self) -> bool:
        return self.state in (CheckState.BLOCKED, CheckState.UNKNOWN)


@dataclass(frozen=True)
class CommandRequest:
    """A command as it was requested."""

    title: str
    argv: tuple[str, ...] = ()
    step: str = ""
    start_time: float | None = None


_MakeEntry = partial[TimelineEntry]


class EventFormatter:
    """Puts events into words, one by one.

    `find_request` is asked for a command whose start was not among them.
    """

    def __init__(self, find_request: Callable[[str], CommandRequest | None] = lambda command: None) -> None:
        self._find_request = find_request
        self._requests: dict[str, CommandRequest] = {}

    def request_for(self, command: str) -> CommandRequest:
        """What a command was requested to do; only its id where that is not known."""
        if command not in self._requests:
            self._requests[command] = self._find_request(command) or CommandRequest(command)
        return self._requests[command]

    def format_record(self, record: events.EventRecord) -> TimelineEntry:
        """An event in plain words."""
        event = record.event
        entry = partial(TimelineEntry, record.timestamp, event_number=record.number)
        if found := self._format_work(event, entry) or _format_session(event, entry) or _format_guide(event, entry):
            return found
        kind = event.type if isinstance(event, events.UnknownEvent) else type(event).__name__
        return entry(f"an event that this version does not know ({kind or 'no type'})")

    def _format_work(self, event: events.AnyEvent | events.UnknownEvent, entry: _MakeEntry) -> TimelineEntry | None:
        """Checks, decisions and commands."""
        match event:
            case events.CheckReported(report=report):
                text, problems = _describe_report(report), tuple(_problem_lines(report))
                return entry(text, problems, kind="check", step=report.step, state=report.state)
            case events.FixChosen(finding=finding, title=title, step=step):
                return _decision(entry, f"chose a fix for {finding}: {title}", step=step)
            case events.FindingOverridden(finding=finding, reason=reason):
                return _decision(entry, f"overrode {finding}", f"reason: {reason}", step=finding.partition(".")[0])
            case events.VariableSet(name=name, secret=secret):
                return _decision(entry, f"variable {name} changed{' (secret)' if secret else ''}")
            case events.ProfilePicked(profile=profile):
                return _decision(entry, f"AWS profile {profile}")
            case events.CommandStarted(command=command, title=title, argv=argv, step=step):
                self._requests[command] = CommandRequest(title, tuple(argv), step, entry.args[0])
                details = [f"$ {shlex.join(argv)}"]
                if event.account:
                    details.append(f"in account {event.account}, {event.region}")
                return entry(f"{step}: {title}", tuple(details), command, "command", step)
            case events.CommandEnded(command=command):
                request = self.request_for(command)
                state, _ = command_outcome(request.argv, event.outcome, event.exit_code)
                text = f"{request.title}: {describe_end(event, request.argv)}"
                return entry(text, (), command, "command", event.step or request.step, state)
            case events.InterruptSent(command=command, force=force, by=by):
                request = self.request_for(command)
                text = f"{request.title}: {'forced' if force else 'asked'} to stop{f' by {by}' if by else ''}"
                return _decision(entry, text, step=request.step, command=command)
        return None


def _decision(entry: _MakeEntry, text: str, *details: str, step: str = "", command: str = "") -> TimelineEntry:
    return entry(text, details, command, "decision", step, is_decision=True)


def _format_session(event: events.AnyEvent | events.UnknownEvent, entry: _MakeEntry) -> TimelineEntry | None:
    """Its start and end, who works in it, notes and tags."""
    match event:
        case events.SessionStarted(project=project, by=by, folder=folder):
            details = (f"in {folder}", *_version_details(event))
            return entry(f"session of {project} started by {by}", details, kind="session")
        case events.SessionResumed(by=by):
            return entry(f"resumed by {by}", tuple(_version_details(event)), kind="session")
        case events.SessionEnded(outcome=outcome):
            return entry(f"session ended: {outcome}", kind="session")
        case events.HandoffAnswered(by=by, granted=granted):
            text = f"lock released to {by}" if granted else f"lock kept; {by} asked for it"
            return entry(text, kind="session", is_decision=True)
        case events.TeamLockChanged(state=state, account=account, holder=holder):
            text = f"team's lock{f' of account {account}' if account else ''}: {state}"
            return entry(text, (holder,) if holder else (), kind="session")
        case events.NoteAdded(text=text):
            return entry("note", tuple(text.splitlines()), kind="note")
        case events.TagChanged(tag=tag, on=on):
            return entry(f"tag {tag} {'added' if on else 'removed'}", kind="note")
    return None


def _format_guide(event: events.AnyEvent | events.UnknownEvent, entry: _MakeEntry) -> TimelineEntry | None:
    match event:
        case events.RunbookOpened(entry=id, error=error):
            return entry(f"guide {id} opened", (error,) if error else (), kind="guide")
        case events.RunbookStepTicked(entry=id, step=step, done=done, title=title):
            text = f"guide {id}, {title or step}: {'done' if done else 'not done'}"
            return entry(text, kind="guide")
        case events.RunbookRated(entry=id, solved=solved):
            text = f"guide {id} {'solved it' if solved else 'did not solve it'}"
            return entry(text, kind="guide", is_decision=True)
    return None


def format_records(records: Iterable[events.EventRecord]) -> Iterator[TimelineEntry]:
    """The session in plain words, oldest first."""
    return map(EventFormatter().format_record, records)


def describe_end(event: events.CommandEnded, argv: Sequence[str] = ()) -> str:
    """How a command ended, in words: `failed, exit code 3, after 12 s`."""
    _, word = command_outcome(argv, event.outcome, event.exit_code)
    parts = [word]
    if event.exit_code and word == (event.outcome or "ended"):
        parts.append(f"exit code {event.exit_code}")
    if event.signal:
        parts.append(f"signal {event.signal}")
    if event.seconds:
        parts.append(f"after {format_duration(event.seconds, tenths=True)}")
    return ", ".join(parts)


def _version_details(event: events.SessionStarted | events.SessionResumed) -> Iterator[str]:
    if event.commit:
        yield f"commit {_describe_commit(event)}"
    if event.version:
        yield f"ecotui {event.version}"


def _describe_commit(event: events.SessionStarted | events.SessionResumed) -> str:
    """The project's commit in words: `1a2b3c4d5e6f on main, with changes`; empty where it has none."""
    if not event.commit:
        return ""
    branch = f" on {event.branch}" if event.branch else ""
    return f"{event.commit[:12]}{branch}{', with changes' if event.dirty else ''}"


def append_commit(commits: str, event: events.SessionStarted | events.SessionResumed) -> str:
    """The commits at which a session was worked on, in their order, with one more where it differs from the last."""
    current = _describe_commit(event)
    if not current or commits.rpartition(COMMIT_SEPARATOR)[2].partition(",")[0] == current.partition(",")[0]:
        return commits
    return f"{commits}{COMMIT_SEPARATOR}{current}" if commits else current


def _describe_report(report: Report) -> str:
    counts: dict[str, int] = {}
    for finding in report.findings:
        counts[finding.state.value] = counts.get(finding.state.value, 0) + 1
    summary = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"checked {report.step}: {report.state.value}{f' ({summary})' if summary else ''}"


def _problem_lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        if finding.state not in (CheckState.OK, CheckState.SKIPPED):
            yield f"{finding.state.value}: {finding.summary} [{finding.id}]"


def format_local_time(timestamp: float) -> str:
    """Local time, for a person."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(timestamp))


def format_utc_time(timestamp: float | None) -> str | None:
    """UTC in ISO 8601, for a program."""
    return None if timestamp is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(timestamp))
