"""A session read back: each event in plain words, with what kind it is, so that it can be drawn, filtered and exported."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from checks.duration import span
from checks.finding import Report, State
from ecotui.session import events
from ecotui.session.outcome import verdict

Output = Callable[[str, int], Sequence[str]]
"""Gives the last so many lines of a command's output, by the command's id."""
Kind = Literal["session", "look", "decision", "command", "guide", "note", "other"]
THEN = " → "
"""Between two commits of a session that went on at another one."""
SIGNS = {State.OK: "✓", State.WARN: "!", State.BLOCKED: "✗", State.UNKNOWN: "?", State.SKIPPED: "·"}


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: float
    """Seconds since the epoch."""
    text: str
    detail: tuple[str, ...] = ()
    command: str = ""
    """The command that this is about, where there is one."""
    kind: Kind = "other"
    step: str = ""
    state: State | None = None
    """Of a look, and of the end of a command."""
    decided: bool = False
    """The operator chose something here."""
    n: int = 0
    """The event's number in the log."""

    @property
    def failed(self) -> bool:
        return self.state in (State.BLOCKED, State.UNKNOWN)


@dataclass(frozen=True)
class Asked:
    """A command as it was asked for."""

    title: str
    argv: tuple[str, ...] = ()
    step: str = ""
    began: float | None = None


class Teller:
    """Tells events one by one; of commands whose beginning it was not told, it asks `known` by their ids."""

    def __init__(self, known: Callable[[str], Asked | None] = lambda command: None) -> None:
        self._known = known
        self._asked: dict[str, Asked] = {}

    def asked(self, command: str) -> Asked:
        if command not in self._asked:
            self._asked[command] = self._known(command) or Asked(command)
        return self._asked[command]

    def tell(self, record: events.Record) -> Moment:
        """An event in plain words."""

        def moment(text: str, *detail: str, kind: Kind = "other", **more: object) -> Moment:
            more.setdefault("decided", kind == "decision")
            return Moment(record.at, text, detail, kind=kind, n=record.n, **more)  # type: ignore[arg-type]

        match record.event:
            case events.SessionStarted(project=project, by=by) as begun:
                return moment(f"session of {project} begun by {by}", *_began(begun), kind="session")
            case events.Looked(report=report):
                return moment(
                    _looked(report), *_in_the_way(report), kind="look", step=report.step, state=report.state
                )
            case events.FixChosen(finding=finding, title=title, step=step):
                return moment(f"chose for {finding}: {title}", kind="decision", step=step)
            case events.Overridden(finding=finding, reason=reason):
                step = finding.partition(".")[0]
                return moment(f"let {finding} pass", f"because: {reason}", kind="decision", step=step)
            case events.CommandStarted(command=command, title=title, argv=argv, step=step):
                self._asked[command] = Asked(title, tuple(argv), step, record.at)
                said = [f"{step}: {title}", f"$ {shlex.join(argv)}"]
                if record.event.account:
                    said.append(f"in account {record.event.account}, {record.event.region}")
                return moment(*said, kind="command", step=step, command=command)
            case events.CommandEnded(command=command, step=step) as end:
                asked = self.asked(command)
                state, _ = verdict(asked.argv, end.outcome, end.exit_code)
                return moment(
                    f"{asked.title}: {ended(end, asked.argv)}",
                    kind="command",
                    step=step or asked.step,
                    state=state,
                    command=command,
                )
            case events.InterruptSent(command=command, force=force, by=by):
                asked = self.asked(command)
                how = "made to stop" if force else "asked to stop"
                who = f" by {by}" if by else ""
                return moment(f"{asked.title}: {how}{who}", kind="decision", step=asked.step, command=command)
            case events.VariableSet(name=name, secret=secret):
                return moment(f"variable {name} changed{' (secret)' if secret else ''}", kind="decision")
            case events.ProfilePicked(profile=profile):
                return moment(f"AWS profile {profile}", kind="decision")
            case events.Noted(text=text):
                return moment("note", *text.splitlines(), kind="note")
            case events.Tagged(tag=tag, on=on):
                return moment(f"tag {tag} {'put on' if on else 'taken off'}", kind="note")
            case events.Reattached(by=by) as again:
                return moment(f"taken up again by {by}", *_with(again), kind="session")
            case events.TakeoverAnswered(by=by, granted=granted):
                how = "handed over to" if granted else "not handed over to"
                return moment(f"{how} {by}", kind="session", decided=True)
            case events.TeamLock(state=state, account=account, holder=holder):
                of = f" of account {account}" if account else ""
                return moment(f"team's lock{of}: {state}", *([holder] if holder else []), kind="session")
            case events.EntryWalked(entry=entry, error=error):
                return moment(f"guide {entry} opened", *([error] if error else []), kind="guide")
            case events.StepTicked(entry=entry, step=step, done=done, title=title):
                word = "done" if done else "not done"
                return moment(f"guide {entry}, {title or step}: {word}", kind="guide")
            case events.EntryJudged(entry=entry, solved=solved):
                word = "solved it" if solved else "did not solve it"
                return moment(f"guide {entry} {word}", kind="guide", decided=True)
            case events.SessionEnded(outcome=outcome):
                return moment(f"session ended: {outcome}", kind="session")
            case events.Unknown(type=kind):
                return moment(f"an event that this version does not know ({kind or 'no type'})")
        return moment(type(record.event).__name__)


def timeline(records: Iterable[events.Record]) -> Iterator[Moment]:
    """The session in plain words, oldest first."""
    return map(Teller().tell, records)


def ended(event: events.CommandEnded, argv: Sequence[str] = ()) -> str:
    """How a command ended, in words: `failed, exit code 3, after 12 s`."""
    _, word = verdict(argv, event.outcome, event.exit_code)
    parts = [word]
    if event.exit_code and word == (event.outcome or "ended"):
        parts.append(f"exit code {event.exit_code}")
    if event.signal:
        parts.append(f"signal {event.signal}")
    if event.seconds:
        parts.append(f"after {span(event.seconds, tenths=True)}")
    return ", ".join(parts)


def _began(event: events.SessionStarted) -> Iterator[str]:
    yield f"in {event.folder}"
    yield from _with(event)


def _with(event: events.SessionStarted | events.Reattached) -> Iterator[str]:
    if event.commit:
        yield f"commit {commit(event)}"
    if event.version:
        yield f"ecotui {event.version}"


def commit(event: events.SessionStarted | events.Reattached) -> str:
    """The project's commit in words: `1a2b3c4d5e6f on main, with changes`; empty where it has none."""
    if not event.commit:
        return ""
    branch = f" on {event.branch}" if event.branch else ""
    return f"{event.commit[:12]}{branch}{', with changes' if event.dirty else ''}"


def commits(before: str, event: events.SessionStarted | events.Reattached) -> str:
    """The commits at which a session was worked on, in their order, with one more where it is another than the last."""
    now = commit(event)
    if not now or before.rpartition(THEN)[2].partition(",")[0] == now.partition(",")[0]:
        return before
    return f"{before}{THEN}{now}" if before else now


def _looked(report: Report) -> str:
    counts: dict[str, int] = {}
    for finding in report.findings:
        counts[finding.state.value] = counts.get(finding.state.value, 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"looked at {report.step}: {report.state.value}{f' ({told})' if told else ''}"


def _in_the_way(report: Report) -> Iterator[str]:
    for finding in report.findings:
        if finding.state not in (State.OK, State.SKIPPED):
            yield f"{finding.state.value}: {finding.summary} [{finding.id}]"


def clock(at: float) -> str:
    """Local time, for a person."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def iso(at: float | None) -> str | None:
    """UTC in ISO 8601, for a program."""
    return None if at is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def size(folder: Path) -> int:
    """Bytes of all files in a session's folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            seen = path.lstat()
        except OSError:
            continue
        total += seen.st_size
    return total
