"""What a session hands over: the facts that every form of it tells, and the form for programs. Masked by `clean`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from checks.duration import span
from checks.finding import State
from checks.steps import STEPS
from ecotui.history.anonymize import Clean, everywhere
from ecotui.session import events, hash_chain
from ecotui.session.event_text import SIGNS, Moment, Output, Teller, clock, commits, ended, iso
from ecotui.session.log import Session, Summary
from ecotui.session.outcome import verdict

Explain = Callable[[str], Sequence[str]]
"""Gives what the guide says about a command's output, a line an entry, by the command's id."""


MOST = 5_000
"""Events that a page or a document tells, the newest: nobody reads more, and a browser does not show a million. Decisions
and notes are kept beside them, as many."""


@dataclass(frozen=True)
class Ran:
    """A command, with what the log says of it."""

    id: str
    step: str
    title: str
    began: float
    """Seconds since the epoch."""
    seconds: float | None
    """None while it runs, or when nobody saw it end."""
    outcome: str
    told: str
    state: State | None = None
    """None while it has not ended."""
    argv: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        return "…" if self.state is None else SIGNS[self.state]


@dataclass(frozen=True)
class StepTold:
    """A step as its last look left it."""

    id: str
    title: str
    state: State | None
    """None: it was never looked at."""
    took: str
    """How long its commands ran in all; empty where none did."""

    @property
    def sign(self) -> str:
        return "○" if self.state is None else SIGNS[self.state]

    @property
    def word(self) -> str:
        return "not looked at" if self.state is None else self.state.value


@dataclass(frozen=True)
class Story:
    """A session, read once."""

    summary: Summary
    log: hash_chain.Verdict
    begun: events.SessionStarted | None
    commits: str
    """Of the project: at which it began, and each other one at which it went on."""
    ran: tuple[Ran, ...]
    moments: tuple[Moment, ...]
    """The newest of them, at most `MOST`."""
    left_out: int
    """Events before those."""
    began: float
    """When the first event was, in seconds since the epoch."""
    decisions: tuple[Moment, ...]
    notes: tuple[Moment, ...]
    took: dict[str, float]
    """Step to the seconds in which a command of it ran."""

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What stands on top, as name and value."""
        summary, log = self.summary, self.log
        lasted = (
            "" if summary.ended is None else f", after {span(summary.ended - summary.started, tenths=True)}"
        )
        whole = "whole" if log.whole else f"broken at line {log.broken}: {log.reason}"
        told = [
            ("Begun", f"{clock(summary.started)} by {summary.by or 'somebody'}"),
            ("Ended", f"{clock(summary.ended)}{lasted}" if summary.ended else "not yet"),
            ("Outcome", summary.outcome or "open"),
            ("Project folder", summary.folder),
        ]
        if self.commits:
            told.append(("Commit", self.commits))
        if self.begun is not None and self.begun.version:
            told.append(("ecotui", self.begun.version))
        if summary.tags:
            told.append(("Tags", " ".join(f"#{tag}" for tag in summary.tags)))
        told.append(("Log", f"{log.events} events, the chain is {whole} (head {log.head[:16]})"))
        return tuple(told)

    @property
    def steps(self) -> tuple[StepTold, ...]:
        """Step by step, in their order."""
        rows = []
        for step in STEPS:
            word = self.summary.steps.get(step.id, "")
            state = State(word) if word in set(State) else None
            seconds = self.took.get(step.id)
            rows.append(
                StepTold(step.id, step.title, state, "" if seconds is None else span(seconds, tenths=True))
            )
        return tuple(rows)


def story(session: Session) -> Story:
    """Read all of it. Raises SessionError."""
    teller = Teller()
    moments: deque[Moment] = deque(maxlen=MOST)
    decisions: deque[Moment] = deque(maxlen=MOST)
    notes: deque[Moment] = deque(maxlen=MOST)
    began, total, at = 0.0, 0, ""
    begun: events.SessionStarted | None = None
    found: dict[str, Ran] = {}
    count = Summary(id=session.id)
    for record in session.records():
        count.take(record)
        moment = teller.tell(record)
        moments.append(moment)
        if moment.decided:
            decisions.append(moment)
        elif moment.text == "note":
            notes.append(moment)
        began, total = began or record.at, total + 1
        match record.event:
            case events.SessionStarted() as start:
                begun, at = start, commits(at, start)
            case events.Reattached() as again:
                at = commits(at, again)
            case events.CommandStarted(command=id, step=step, title=title, argv=argv):
                found[id] = Ran(id, step, title, record.at, None, "", "not ended", None, tuple(argv))
            case events.CommandEnded(command=id, seconds=seconds, outcome=outcome) as end if id in found:
                one = found[id]
                state, _ = verdict(one.argv, outcome, end.exit_code)
                told = ended(end, one.argv)
                found[id] = Ran(id, one.step, one.title, one.began, seconds, outcome, told, state, one.argv)
    return Story(
        summary=session.summary(),
        log=session.verify(),
        begun=begun,
        commits=at,
        ran=tuple(found.values()),
        moments=tuple(moments),
        left_out=total - len(moments),
        began=began,
        decisions=tuple(decisions),
        notes=tuple(notes),
        took=count.took or {},
    )


def ran(session: Session) -> list[Ran]:
    """The commands in the order in which they began. Raises SessionError."""
    return list(story(session).ran)


def data(session: Session, output: Output, clean: Clean, *, lines: int = 400) -> dict[str, Any]:
    """Everything as one JSON object, outputs from their ends. Raises SessionError."""
    told = story(session)
    plain = {
        "session": msgspec.to_builtins(told.summary),
        "log": {"whole": told.log.whole, "events": told.log.events, "broken_line": told.log.broken},
        "events": [
            {"n": record.n, "at": iso(record.at), "event": msgspec.to_builtins(record.event)}
            for record in session.records()
        ],
        "outputs": [
            {"command": one.id, "title": one.title, "lines": "\n".join(output(one.id, lines))}
            for one in told.ran
        ],
    }
    found = everywhere(plain, clean)
    for one in found["outputs"]:
        one["lines"] = one["lines"].splitlines()
    return dict(found)
