"""One session: its folder, its events, its summary."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ecotui.redact.redactor import Redactor
from ecotui.session import SessionError, events, hash_chain
from ecotui.session.private_files import explained, make_folder, open_file, plainly, read_bytes, replace_file

SUMMARY = "summary.json"
SALT = "salt"
"""Keys the tokens that stand for secrets; never exported, so that a token tells nothing outside this folder."""
COMMANDS = "commands"
BATCH = 2_000
"""Events that are written with one call: some hundred kilobytes."""
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
        self._chain: hash_chain.Chain | None = None
        self._summary: Summary | None = None
        self._guard = threading.Lock()
        self._waiting: deque[tuple[float, events.Event]] = deque()
        """What was put, and when; not written yet."""
        self._writing = threading.Event()
        self._trouble: SessionError | None = None

    @property
    def events_file(self) -> Path:
        return self.folder / hash_chain.NAME

    @property
    def commands(self) -> Path:
        """The folder of the commands' folders."""
        return self.folder / COMMANDS

    def learn(self, env: Mapping[str, str], secrets: Collection[str] = ()) -> None:
        """From now on the values of these variables, and of any that look secret, are masked in this log."""
        self.redactor.learn(env, secrets)

    def append(self, event: events.Event) -> events.Record:
        """Write an event. When this returns it is in the file, behind all that was put before; a decision is on the disk.

        Raises SessionError (full disk, read-only folder): then nothing of it was written.
        """
        with self._guard:
            self._write_waiting()
            at = time.time()
            n = self._write([(at, event)], sync=isinstance(event, events.LASTING))
        return events.Record(n=n, at=at, event=event)

    def put(self, event: events.Event) -> None:
        """Take an event to be written in a moment, with all others that wait: for what comes in bulk, where the screen
        must not wait for the disk. What has to be safe before anything follows is appended instead.

        Raises SessionError when what was put before could not be written; it still waits, and is tried again.
        """
        self._waiting.append((time.time(), event))
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble
        if not self._writing.is_set():
            self._writing.set()
            threading.Thread(target=self._write_late, name=f"log:{self.id}", daemon=True).start()

    def flush(self) -> None:
        """Write what was put. Raises SessionError."""
        if self._waiting:
            with self._guard:
                self._write_waiting()

    def _write_late(self) -> None:
        """On a thread of its own, until nothing waits."""
        try:
            while self._waiting:
                self.flush()
        except SessionError as error:
            self._trouble = error
        finally:
            self._writing.clear()
        if self._waiting and self._trouble is None:  # put between the last look and the end
            with contextlib.suppress(SessionError):
                self.flush()

    def _write_waiting(self) -> None:
        batch = list(itertools.islice(self._waiting, BATCH))
        while batch:
            self._write(batch, sync=False)
            for _ in batch:
                self._waiting.popleft()
            batch = list(itertools.islice(self._waiting, BATCH))

    def _masked(self, given: Sequence[events.Event]) -> tuple[list[bytes], Sequence[events.Event]]:
        """The events as they are written, and those again of whose words the summary repeats some."""
        try:
            encoded = [msgspec.json.encode(event) for event in given]
            if self.redactor.nothing_in(b"\n".join(encoded)):
                return encoded, given
        except UnicodeEncodeError:  # text of a file name that is no UTF-8
            pass
        plains = [self.redactor.redact_all(msgspec.to_builtins(event)) for event in given]
        told = [
            msgspec.convert(plain, type=type(event)) if isinstance(event, _QUOTED) else event
            for event, plain in zip(given, plains, strict=True)
        ]
        return [msgspec.json.encode(plain) for plain in plains], told

    def _write(self, batch: Sequence[tuple[float, events.Event]], *, sync: bool) -> int:
        """Write all of them or none; the last one's number. Raises SessionError."""
        encoded, masked = self._masked([event for _, event in batch])
        if self._chain is None:
            self._chain = hash_chain.Chain(self.events_file)
        last = self._chain.extend(encoded, sync=sync, at=[at for at, _ in batch])
        if self._summary is None:
            self._summary = counted(self.folder)
            changed = True
        elif (since := last - self._summary.count) > len(
            batch
        ):  # supervisors, and commands of ours, added theirs
            known = self._summary.count
            changed = any([self._summary.take(one) for one in self._last(since + 64) if one.n > known])
        else:
            first = last - len(batch) + 1
            changed = False
            # The summary is on the disk too: it takes what was masked.
            for n, ((at, _), event) in enumerate(zip(batch, masked, strict=True), first):
                changed |= self._summary.take(events.Record(n=n, at=at, event=event))
        if changed:
            self._keep(self._summary)
        return last

    def _keep(self, summary: Summary) -> None:
        """The summary is a convenience: the event is already safe, so trouble here is not the caller's."""
        with contextlib.suppress(OSError):
            summary.size = self.events_file.lstat().st_size
            replace_file(self.folder / SUMMARY, msgspec.json.encode(summary))

    def records(self) -> Iterator[events.Record]:
        """All events, oldest first. Raises SessionError when the file cannot be read."""
        self.flush()
        return _records(self.folder)

    def newest(self, count: int) -> list[events.Record]:
        """The last so many events, oldest first, without reading those before. Raises SessionError."""
        self.flush()
        return self._last(count)

    def _last(self, count: int) -> list[events.Record]:
        return [events.decode(line.raw, line.n, line.at) for line in hash_chain.tail(self.events_file, count)]

    def earlier(
        self, end: int | None, count: int, wanted: Sequence[bytes] = ()
    ) -> tuple[list[events.Record], int]:
        """Events before a byte of the log (None: its end), oldest first, and the byte where they begin; 0: no more.

        `wanted`: as for `chain.before`. Raises SessionError.
        """
        lines, place = hash_chain.before(self.events_file, end, count, wanted)
        return [events.decode(line.raw, line.n, line.at) for line in lines], place

    def summary(self) -> Summary:
        """The summary, from its file or, where that is missing or damaged, from the events."""
        self.flush()
        return read_summary(self.folder)

    def verify(self) -> hash_chain.Verdict:
        """Check the hash chain. Raises SessionError when the file cannot be read."""
        self.flush()
        try:
            known = msgspec.json.decode(read_bytes(self.folder / SUMMARY), type=Summary).count
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            known = 0
        return hash_chain.verify(self.events_file, at_least=known)

    def end(self, outcome: str) -> None:
        """The session is over. Raises SessionError."""
        self.append(events.SessionEnded(outcome=outcome))

    def close(self) -> None:
        """Write what waits, and give the file back; an append opens it again. Raises SessionError."""
        with self._guard:
            self._write_waiting()
            if self._chain is not None:
                self._chain.close()
                self._chain = None


def _records(folder: Path) -> Iterator[events.Record]:
    for line in hash_chain.read(folder / hash_chain.NAME):
        yield events.decode(line.raw, line.n, line.at)


def counted(folder: Path) -> Summary:
    """The summary from the events alone, whatever stands in its file. Raises SessionError."""
    summary = Summary(id=folder.name)
    for record in _records(folder):
        summary.take(record)
    return summary


LARGEST = 1_000_000
"""Bytes of a summary that are read."""

_decode = msgspec.json.Decoder(Summary).decode


def read_summary(folder: Path) -> Summary:
    """The summary of a session by its folder, without opening the session. Raises SessionError."""
    try:
        found = _decode(read_bytes(folder / SUMMARY, limit=LARGEST))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return counted(folder)
    try:
        current = os.lstat(folder / hash_chain.NAME).st_size == found.size
    except OSError:
        current = True
    return found if found.id == folder.name and current else counted(folder)


def kept_summary(folder: str) -> Summary | None:
    """The summary as its file has it, for reading thousands; None where it is not that of all events: see `read_summary`."""
    try:
        fd = open_file(f"{folder}/{SUMMARY}", os.O_RDONLY)
        try:
            found = _decode(os.read(fd, LARGEST))
        finally:
            os.close(fd)
        whole = os.lstat(f"{folder}/{hash_chain.NAME}").st_size == found.size
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if whole and found.id == folder.rpartition("/")[2] else None


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
