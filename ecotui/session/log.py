"""One session: its folder, its events, its summary."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ecotui.redact import Redactor
from ecotui.session import SessionError, chain, events
from ecotui.session.files import explained, make_folder, plainly, read_bytes, replace_file

SUMMARY = "summary.json"
SALT = "salt"
"""Keys the tokens that stand for secrets; never exported, so that a token tells nothing outside this folder."""
COMMANDS = "commands"
NOTES, NOTE = 20, 200
"""How many notes a summary keeps, and how many characters of each: it is read for every list."""
RAN = 8
"""How many commands of a step are remembered for what may run around them: one is nested in at most a few."""

_QUOTED = (events.SessionStarted, events.Noted, events.Tagged)
"""Events whose words a summary repeats."""


class Summary(msgspec.Struct, kw_only=True):
    """What a list of sessions shows; derived from the events, and made again from them when it is damaged."""

    id: str
    project: str = ""
    folder: str = ""
    """The project's folder."""
    by: str = ""
    """Who began it."""
    started: float = 0.0
    """Seconds since the epoch."""
    ended: float | None = None
    outcome: str = ""
    """Empty while the session is open."""
    steps: dict[str, str] = {}
    """Step to the state of its last look."""
    took: dict[str, float] | None = None
    """Step to the seconds in which a command of it ran; None where an ecotui wrote this that did not count them."""
    ran: dict[str, list[tuple[float, float]]] = {}
    """Step to begin and end of its newest commands: what runs within another one is not counted twice."""
    tags: list[str] = []
    notes: list[str] = []
    """The beginnings of the newest notes, for searching."""
    count: int = 0
    """How many events the log had when this was written,"""
    size: int = 0
    """and how many bytes: when it has others, events were added since (by a supervisor, or just before a crash)."""

    def take(self, record: events.Record) -> bool:
        """Count an event in; True when a list of sessions would show something new."""
        self.count = record.n
        match record.event:
            case events.SessionStarted(project=project, folder=folder, by=by):
                self.project, self.folder, self.by, self.started = project, folder, by, record.at
                self.took = {}
            case events.CommandEnded(step=step, seconds=seconds) if seconds > 0:
                self._count_in(step, record.at - seconds, record.at)
            case events.Looked(report=report):
                self.steps[report.step] = report.state.value
            case events.SessionEnded(outcome=outcome):
                self.ended, self.outcome = record.at, outcome
            case events.Reattached():
                self.ended, self.outcome = None, ""
            case events.Noted(text=text):
                self.notes = [*self.notes[1 - NOTES :], text[:NOTE]]
            case events.Tagged(tag=tag, on=on):
                self.tags = [one for one in self.tags if one != tag] + ([tag] if on else [])
            case _:
                return False
        return True

    def _count_in(self, step: str, begin: float, end: float) -> None:
        """A command of the step is over. One that ran within it ended before it, and is part of its time."""
        if self.took is None:
            return
        told = self.ran.setdefault(step, [])
        new = end - begin
        kept = []
        for one, other in told:
            new -= max(min(end, other) - max(begin, one), 0.0)
            if not (begin <= one and other <= end):
                kept.append((one, other))
        self.took[step] = round(self.took.get(step, 0.0) + max(new, 0.0), 3)
        self.ran[step] = [*kept, (round(begin, 3), round(end, 3))][-RAN:]


class Session:
    """An open session. Any number of processes may have the same one open and append to it."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        """Use `Store.create` or `Store.open`. Raises SessionError."""
        self.folder = folder
        self.id = folder.name
        self.redactor = Redactor(salt(folder), env=os.environ if env is None else env)
        """Masks what is written; `redactor.learn` teaches it the secrets of this session."""
        self._chain: chain.Chain | None = None
        self._summary: Summary | None = None
        self._guard = threading.Lock()

    @property
    def events_file(self) -> Path:
        return self.folder / chain.NAME

    @property
    def commands(self) -> Path:
        """The folder of the commands' folders."""
        return self.folder / COMMANDS

    def learn(self, env: Mapping[str, str], secrets: Collection[str] = ()) -> None:
        """From now on the values of these variables, and of any that look secret, are masked in this log."""
        self.redactor.learn(env, secrets)

    def append(self, event: events.Event) -> events.Record:
        """Write an event. When this returns it is in the file; a decision is on the disk.

        Raises SessionError (full disk, read-only folder): then nothing of it was written.
        """
        plain = self.redactor.redact_all(msgspec.to_builtins(event))
        at = time.time()
        with self._guard:
            if self._chain is None:
                self._chain = chain.Chain(self.events_file)
            n = self._chain.append(msgspec.json.encode(plain), sync=isinstance(event, events.LASTING), at=at)
            record = events.Record(n=n, at=at, event=event)
            if isinstance(event, _QUOTED):  # the summary is on the disk too: it takes what was masked
                record = events.Record(n=n, at=at, event=msgspec.convert(plain, type=type(event)))
            if self._summary is None:
                self._summary = counted(self.folder)
                changed = True
            elif (since := n - self._summary.count) > 1:  # supervisors, and commands of ours, added theirs
                known = self._summary.count
                changed = any([self._summary.take(one) for one in self.newest(since + 64) if one.n > known])
            else:
                changed = self._summary.take(record)
            if changed:
                self._keep(self._summary)
        return events.Record(n=n, at=at, event=event)

    def _keep(self, summary: Summary) -> None:
        """The summary is a convenience: the event is already safe, so trouble here is not the caller's."""
        with contextlib.suppress(OSError):
            summary.size = self.events_file.lstat().st_size
            replace_file(self.folder / SUMMARY, msgspec.json.encode(summary))

    def records(self) -> Iterator[events.Record]:
        """All events, oldest first. Raises SessionError when the file cannot be read."""
        return _records(self.folder)

    def newest(self, count: int) -> list[events.Record]:
        """The last so many events, oldest first, without reading those before. Raises SessionError."""
        return [events.decode(line.raw, line.n, line.at) for line in chain.tail(self.events_file, count)]

    def earlier(
        self, end: int | None, count: int, wanted: Sequence[bytes] = ()
    ) -> tuple[list[events.Record], int]:
        """Events before a byte of the log (None: its end), oldest first, and the byte where they begin; 0: no more.

        `wanted`: as for `chain.before`. Raises SessionError.
        """
        lines, place = chain.before(self.events_file, end, count, wanted)
        return [events.decode(line.raw, line.n, line.at) for line in lines], place

    def summary(self) -> Summary:
        """The summary, from its file or, where that is missing or damaged, from the events."""
        return read_summary(self.folder)

    def verify(self) -> chain.Verdict:
        """Check the hash chain. Raises SessionError when the file cannot be read."""
        try:
            known = msgspec.json.decode(read_bytes(self.folder / SUMMARY), type=Summary).count
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            known = 0
        return chain.verify(self.events_file, at_least=known)

    def end(self, outcome: str) -> None:
        """The session is over. Raises SessionError."""
        self.append(events.SessionEnded(outcome=outcome))

    def close(self) -> None:
        """Give the file back; an append opens it again."""
        with self._guard:
            if self._chain is not None:
                self._chain.close()
                self._chain = None


def _records(folder: Path) -> Iterator[events.Record]:
    for line in chain.read(folder / chain.NAME):
        yield events.decode(line.raw, line.n, line.at)


def counted(folder: Path) -> Summary:
    """The summary from the events alone, whatever stands in its file. Raises SessionError."""
    summary = Summary(id=folder.name)
    for record in _records(folder):
        summary.take(record)
    return summary


_decode = msgspec.json.Decoder(Summary).decode


def read_summary(folder: Path) -> Summary:
    """The summary of a session by its folder, without opening the session. Raises SessionError."""
    try:
        found = _decode(read_bytes(folder / SUMMARY, limit=1_000_000))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return counted(folder)
    try:
        current = os.lstat(folder / chain.NAME).st_size == found.size
    except OSError:
        current = True
    return found if found.id == folder.name and current else counted(folder)


def salt(folder: Path) -> bytes:
    """The session's salt, made on first use. Raises SessionError."""
    path = folder / SALT
    try:
        found = read_bytes(path, limit=64)
        if len(found) == 32:
            return found
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SessionError(f"cannot read {path}: {plainly(error)}") from error
    with explained("cannot write to", path):
        replace_file(path, os.urandom(32))
        return read_bytes(path, limit=64)


def new_commands_folder(session: Session) -> Path:
    """The folder that holds the commands' folders. Raises SessionError."""
    return make_folder(session.commands)
