"""A session read back: each event in plain words, with what kind it is, so that it can be drawn, filtered and exported."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from checks.duration import format_duration
from checks.finding import CheckState, Report
from ecotui.session import events
from ecotui.session.command_text import command_outcome

ReadOutput = Callable[[str, int], Sequence[str]]
"""Gives the last so many lines of a command's output, by the command's id."""
EntryKind = Literal["session", "look", "decision", "command", "guide", "note", "other"]
COMMIT_SEPARATOR = " → "
"""Between two commits of a session that went on at another one."""


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the timeline."""

    timestamp: float
    """Seconds since the epoch."""
    text: str
    details: tuple[str, ...] = ()
    command: str = ""
    """The command that this is about, where there is one."""
    kind: EntryKind = "other"
    step: str = ""
    state: CheckState | None = None
    """Of a look, and of the end of a command."""
    is_decision: bool = False
    """The operator chose something here."""
    event_number: int = 0
    """The event's number in the log."""

    @property
    def is_failure(self) -> bool:
        return self.state in (CheckState.BLOCKED, CheckState.UNKNOWN)


@dataclass(frozen=True)
class CommandRequest:
    """A command as it was asked for."""

    title: str
    argv: tuple[str, ...] = ()
    step: str = ""
    start_time: float | None = None


class EventFormatter:
    """Tells events one by one; of commands whose beginning it was not told, it asks `known` by their ids."""

    def __init__(self, find_request: Callable[[str], CommandRequest | None] = lambda command: None) -> None:
        self._find_request = find_request
        self._requests: dict[str, CommandRequest] = {}

    def request_for(self, command: str) -> CommandRequest:
        if command not in self._requests:
            self._requests[command] = self._find_request(command) or CommandRequest(command)
        return self._requests[command]

    def format_record(self, record: events.EventRecord) -> TimelineEntry:
        """An event in plain words."""

        def moment(text: str, *detail: str, kind: EntryKind = "other", **more: object) -> TimelineEntry:
            more.setdefault("is_decision", kind == "decision")
            return TimelineEntry(record.timestamp, text, detail, kind=kind, event_number=record.number, **more)  # type: ignore[arg-type]

        match record.event:
            case events.SessionStarted(project=project, by=by) as begun:
                return moment(f"session of {project} begun by {by}", *_session_details(begun), kind="session")
            case events.CheckReported(report=report):
                return moment(
                    _describe_report(report), *_problem_lines(report), kind="look", step=report.step, state=report.state
                )
            case events.FixChosen(finding=finding, title=title, step=step):
                return moment(f"chose for {finding}: {title}", kind="decision", step=step)
            case events.FindingOverridden(finding=finding, reason=reason):
                step = finding.partition(".")[0]
                return moment(f"let {finding} pass", f"because: {reason}", kind="decision", step=step)
            case events.CommandStarted(command=command, title=title, argv=argv, step=step):
                self._requests[command] = CommandRequest(title, tuple(argv), step, record.timestamp)
                said = [f"{step}: {title}", f"$ {shlex.join(argv)}"]
                if record.event.account:
                    said.append(f"in account {record.event.account}, {record.event.region}")
                return moment(*said, kind="command", step=step, command=command)
            case events.CommandEnded(command=command, step=step) as end:
                asked = self.request_for(command)
                state, _ = command_outcome(asked.argv, end.outcome, end.exit_code)
                return moment(
                    f"{asked.title}: {describe_end(end, asked.argv)}",
                    kind="command",
                    step=step or asked.step,
                    state=state,
                    command=command,
                )
            case events.InterruptSent(command=command, force=force, by=by):
                asked = self.request_for(command)
                how = "made to stop" if force else "asked to stop"
                who = f" by {by}" if by else ""
                return moment(f"{asked.title}: {how}{who}", kind="decision", step=asked.step, command=command)
            case events.VariableSet(name=name, secret=secret):
                return moment(f"variable {name} changed{' (secret)' if secret else ''}", kind="decision")
            case events.ProfilePicked(profile=profile):
                return moment(f"AWS profile {profile}", kind="decision")
            case events.NoteAdded(text=text):
                return moment("note", *text.splitlines(), kind="note")
            case events.TagChanged(tag=tag, on=on):
                return moment(f"tag {tag} {'put on' if on else 'taken off'}", kind="note")
            case events.SessionResumed(by=by) as again:
                return moment(f"taken up again by {by}", *_version_details(again), kind="session")
            case events.HandoffAnswered(by=by, granted=granted):
                how = "handed over to" if granted else "not handed over to"
                return moment(f"{how} {by}", kind="session", is_decision=True)
            case events.TeamLockChanged(state=state, account=account, holder=holder):
                of = f" of account {account}" if account else ""
                return moment(f"team's lock{of}: {state}", *([holder] if holder else []), kind="session")
            case events.RunbookOpened(entry=entry, error=error):
                return moment(f"guide {entry} opened", *([error] if error else []), kind="guide")
            case events.RunbookStepTicked(entry=entry, step=step, done=done, title=title):
                word = "done" if done else "not done"
                return moment(f"guide {entry}, {title or step}: {word}", kind="guide")
            case events.RunbookRated(entry=entry, solved=solved):
                word = "solved it" if solved else "did not solve it"
                return moment(f"guide {entry} {word}", kind="guide", is_decision=True)
            case events.SessionEnded(outcome=outcome):
                return moment(f"session ended: {outcome}", kind="session")
            case events.UnknownEvent(type=kind):
                return moment(f"an event that this version does not know ({kind or 'no type'})")
        return moment(type(record.event).__name__)


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


def _session_details(event: events.SessionStarted) -> Iterator[str]:
    yield f"in {event.folder}"
    yield from _version_details(event)


def _version_details(event: events.SessionStarted | events.SessionResumed) -> Iterator[str]:
    if event.commit:
        yield f"commit {describe_commit(event)}"
    if event.version:
        yield f"ecotui {event.version}"


def describe_commit(event: events.SessionStarted | events.SessionResumed) -> str:
    """The project's commit in words: `1a2b3c4d5e6f on main, with changes`; empty where it has none."""
    if not event.commit:
        return ""
    branch = f" on {event.branch}" if event.branch else ""
    return f"{event.commit[:12]}{branch}{', with changes' if event.dirty else ''}"


def append_commit(commits: str, event: events.SessionStarted | events.SessionResumed) -> str:
    """The commits at which a session was worked on, in their order, with one more where it is another than the last."""
    now = describe_commit(event)
    if not now or commits.rpartition(COMMIT_SEPARATOR)[2].partition(",")[0] == now.partition(",")[0]:
        return commits
    return f"{commits}{COMMIT_SEPARATOR}{now}" if commits else now


def _describe_report(report: Report) -> str:
    counts: dict[str, int] = {}
    for finding in report.findings:
        counts[finding.state.value] = counts.get(finding.state.value, 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"looked at {report.step}: {report.state.value}{f' ({told})' if told else ''}"


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


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a session's folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            seen = path.lstat()
        except OSError:
            continue
        total += seen.st_size
    return total
