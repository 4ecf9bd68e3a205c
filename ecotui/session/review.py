"""A session read back: the timeline in plain words, the comparison of two, the export. Pure, apart from reading."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.finding import Report, State
from ecotui.session import events
from ecotui.session.log import Session, Summary

Output = Callable[[str, int], Sequence[str]]
"""Gives the last so many lines of a command's output, by the command's id."""


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: float
    """Seconds since the epoch."""
    text: str
    detail: tuple[str, ...] = ()
    command: str = ""
    """The command that this is about, where there is one."""


def timeline(records: Iterable[events.Record]) -> Iterator[Moment]:
    """The session in plain words, oldest first."""
    titles: dict[str, str] = {}
    for record in records:
        match record.event:
            case events.SessionStarted(project=project, folder=folder, by=by):
                yield Moment(record.at, f"session of {project} begun by {by}", (f"in {folder}",))
            case events.Looked(report=report):
                yield Moment(record.at, _looked(report), tuple(_in_the_way(report)))
            case events.FixChosen(finding=finding, title=title):
                yield Moment(record.at, f"chose for {finding}: {title}")
            case events.Overridden(finding=finding, reason=reason):
                yield Moment(record.at, f"let {finding} pass", (f"because: {reason}",))
            case events.CommandStarted(command=command, title=title, argv=argv, step=step):
                titles[command] = title
                told = [f"$ {shlex.join(argv)}"]
                if record.event.account:
                    told.append(f"in account {record.event.account}, {record.event.region}")
                yield Moment(record.at, f"{step}: {title}", tuple(told), command)
            case events.CommandEnded(command=command):
                yield Moment(record.at, f"{titles.get(command, command)}: {ended(record.event)}", (), command)
            case events.InterruptSent(command=command, force=force, by=by):
                how = "made to stop" if force else "asked to stop"
                yield Moment(record.at, f"{titles.get(command, command)}: {how} by {by}", (), command)
            case events.VariableSet(name=name, secret=secret):
                yield Moment(record.at, f"variable {name} changed{' (secret)' if secret else ''}")
            case events.ProfilePicked(profile=profile):
                yield Moment(record.at, f"AWS profile {profile}")
            case events.Noted(text=text):
                yield Moment(record.at, "note", tuple(text.splitlines()))
            case events.Tagged(tag=tag, on=on):
                yield Moment(record.at, f"tag {tag} {'put on' if on else 'taken off'}")
            case events.Reattached(by=by):
                yield Moment(record.at, f"taken up again by {by}")
            case events.EntryWalked(entry=entry, error=error):
                yield Moment(record.at, f"guide {entry} opened", (error,) if error else ())
            case events.StepTicked(entry=entry, step=step, done=done, title=title):
                yield Moment(record.at, f"guide {entry}, {title or step}: {'done' if done else 'not done'}")
            case events.EntryJudged(entry=entry, solved=solved):
                yield Moment(record.at, f"guide {entry} {'solved it' if solved else 'did not solve it'}")
            case events.SessionEnded(outcome=outcome):
                yield Moment(record.at, f"session ended: {outcome}")
            case events.Unknown(type=kind):
                yield Moment(record.at, f"an event that this version does not know ({kind or 'no type'})")


def ended(event: events.CommandEnded) -> str:
    """How a command ended, in words: `failed, exit code 3, after 12 s`."""
    parts = [event.outcome or "ended"]
    if event.exit_code:
        parts.append(f"exit code {event.exit_code}")
    if event.signal:
        parts.append(f"signal {event.signal}")
    if event.seconds:
        parts.append(f"after {duration(event.seconds)}")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """12 s, 3 min 5 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


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


@dataclass(frozen=True)
class Difference:
    """What two sessions say about one thing."""

    what: str
    before: str
    after: str


def compare(before: Session, after: Session) -> list[Difference]:
    """Where the second session came out differently: findings, and how commands ended. Raises SessionError."""
    one, other = _last_words(before), _last_words(after)
    return [
        Difference(what, one.get(what, "-"), other.get(what, "-"))
        for what in dict.fromkeys((*one, *other))
        if one.get(what) != other.get(what)
    ]


def _last_words(session: Session) -> dict[str, str]:
    """The last that a session says about each finding, and about each kind of command."""
    words: dict[str, str] = {}
    titles: dict[str, str] = {}
    for record in session.records():
        match record.event:
            case events.Looked(report=report):
                for finding in report.findings:
                    words[finding.id] = f"{finding.state.value}: {finding.summary}"
            case events.CommandStarted(command=command, step=step, title=title):
                titles[command] = f"{step}: {title}"
            case events.CommandEnded(command=command, outcome=outcome):
                words[titles.get(command, command)] = outcome
    return words


def markdown(session: Session, output: Output, *, lines: int = 40, clean: Callable[[str], str] = str) -> str:
    """The session as a document to hand over: the timeline, with the end of the output of what failed.

    Raises SessionError when the log cannot be read.
    """
    summary, verdict = session.summary(), session.verify()
    parts = [
        f"# {clean(summary.project or 'Session')} {session.id}",
        "",
        f"- Begun: {clock(summary.started)}",
        f"- Ended: {clock(summary.ended) if summary.ended else 'not yet'}"
        + (f" ({summary.outcome})" if summary.outcome else ""),
        f"- Project folder: `{clean(summary.folder)}`",
        f"- Log: {verdict.events} events, "
        + (
            "the chain is whole"
            if verdict.whole
            else f"**broken at line {verdict.broken}: {verdict.reason}**"
        )
        + f" (head `{verdict.head[:16]}`)",
        *_steps(summary),
        "",
        "## Timeline",
        "",
    ]
    failed = set()
    records = list(session.records())
    for moment in timeline(records):
        parts.append(f"- **{clock(moment.at)}** {_escaped(clean(moment.text))}")
        for line in map(clean, moment.detail):
            parts.append(f"  - {_code(line[2:])}" if line.startswith("$ ") else f"  - {_escaped(line)}")
    for record in records:
        match record.event:
            case events.CommandEnded(command=command, outcome=outcome) if outcome != "succeeded":
                failed.add(command)
    for record in records:
        match record.event:
            case events.CommandStarted(command=command, title=title) if command in failed:
                told = clean("\n".join(output(command, lines))).splitlines()
                parts += ["", f"## Output of “{_escaped(clean(title))}” (`{command}`)", "", *_fenced(told)]
    return "\n".join(parts) + "\n"


def _steps(summary: Summary) -> Iterator[str]:
    if summary.steps:
        yield ""
        yield "| Step | Last look |"
        yield "| --- | --- |"
        for step, state in summary.steps.items():
            yield f"| {step} | {state} |"


def _fenced(lines: Sequence[str]) -> list[str]:
    """A fence longer than any in the text: output cannot get out of it."""
    longest = max((len(line) - len(line.lstrip("`")) for line in map(str.strip, lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *(lines or ["(no output)"]), fence]


def _code(text: str) -> str:
    ticks = "`" * (max((len(run) for run in _runs(text)), default=0) + 1)
    return f"{ticks}{' ' if '`' in text else ''}{text}{' ' if '`' in text else ''}{ticks}"


def _runs(text: str) -> Iterator[str]:
    import re

    yield from re.findall("`+", text)


def _escaped(text: str) -> str:
    """Text that Markdown takes for nothing but text."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in text)


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
