"""One session: its folder, its log of events, and its summary."""

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
from ecotui.session.private_files import (
    describe_os_error,
    make_private_folder,
    open_private_file,
    raise_session_error,
    read_bytes,
    replace_atomically,
)

SUMMARY_NAME = "summary.json"
SALT_NAME = "salt"
"""The key of the tokens that replace secrets. Never exported, so that a token means nothing outside this folder."""
COMMANDS_FOLDER_NAME = "commands"
MAX_BATCH_EVENTS = 2_000
"""Events that are written with one call: some hundred kilobytes."""
MAX_SUMMARY_NOTES, MAX_NOTE_CHARS = 20, 200
"""How many notes a summary has, and how many characters of each: it is read for every list."""
MAX_COMMAND_INTERVALS = 8
"""How many commands of a step a summary has: a later command may contain some of them."""

_EVENTS_WITH_SUMMARY_TEXT = (events.SessionStarted, events.NoteAdded, events.TagChanged)
"""Events whose text a summary repeats."""


class SessionSummary(msgspec.Struct, kw_only=True):
    """What a list of sessions shows. Derived from the events, and made again from them when it is damaged."""

    id: str
    project: str = ""
    folder: str = ""
    """The project's folder."""
    by: str = ""
    """Who started it."""
    started: float = 0.0
    """Seconds since the epoch."""
    ended: float | None = None
    outcome: str = ""
    """Empty while the session is open."""
    steps: dict[str, str] = {}
    """Step to the state of its last check."""
    took: dict[str, float] | None = None
    """Step to the seconds in which a command of it ran; None where an ecotui wrote this that did not count them."""
    ran: dict[str, list[tuple[float, float]]] = {}
    """Step to start and end of its newest commands: a command within another one is not counted twice."""
    tags: list[str] = []
    notes: list[str] = []
    """The first characters of the newest notes, for searching."""
    count: int = 0
    """How many events the log had when this was written."""
    size: int = 0
    """And how many bytes: with any other size, events were added since (by a supervisor, or just before a crash)."""

    def add_event(self, record: events.EventRecord) -> bool:
        """Take in an event; True when a list of sessions would show something new."""
        self.count = record.number
        match record.event:
            case events.SessionStarted(project=project, folder=folder, by=by):
                self.project, self.folder, self.by, self.started = project, folder, by, record.timestamp
                self.took = {}
            case events.CommandEnded(step=step, seconds=seconds) if seconds > 0:
                self._add_command_time(step, record.timestamp - seconds, record.timestamp)
            case events.CheckReported(report=report):
                self.steps[report.step] = report.state.value
            case events.SessionEnded(outcome=outcome):
                self.ended, self.outcome = record.timestamp, outcome
            case events.SessionResumed():
                self.ended, self.outcome = None, ""
            case events.NoteAdded(text=text):
                self.notes = [*self.notes[1 - MAX_SUMMARY_NOTES :], text[:MAX_NOTE_CHARS]]
            case events.TagChanged(tag=tag, on=on):
                self.tags = [other for other in self.tags if other != tag] + ([tag] if on else [])
            case _:
                return False
        return True

    def _add_command_time(self, step: str, begin: float, end: float) -> None:
        """Add the time of a command that ended; commands within it ended before it, and are part of its time."""
        if self.took is None:
            return
        intervals = self.ran.setdefault(step, [])
        seconds = end - begin
        remaining = []
        for start, stop in intervals:
            seconds -= max(min(end, stop) - max(begin, start), 0.0)
            if not (begin <= start and stop <= end):
                remaining.append((start, stop))
        self.took[step] = round(self.took.get(step, 0.0) + max(seconds, 0.0), 3)
        self.ran[step] = [*remaining, (round(begin, 3), round(end, 3))][-MAX_COMMAND_INTERVALS:]


class Session:
    """An open session. Any number of processes may have the same one open and append to it."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        """Use `SessionStore.create` or `SessionStore.open`. Raises SessionError."""
        self.folder = folder
        self.id = folder.name
        self.redactor = Redactor(read_or_create_salt(folder), env=os.environ if env is None else env)
        """Masks what is written; `add_secrets` adds the secrets of this session."""
        self._chain: hash_chain.HashChain | None = None
        self._summary: SessionSummary | None = None
        self._write_lock = threading.Lock()
        self._pending: deque[tuple[float, events.AnyEvent]] = deque()
        """The queue: events that are not written yet, with their times."""
        self._writer_active = threading.Event()
        self._write_error: SessionError | None = None

    @property
    def events_path(self) -> Path:
        return self.folder / hash_chain.LOG_NAME

    @property
    def commands_folder(self) -> Path:
        """The folder of the commands' folders."""
        return self.folder / COMMANDS_FOLDER_NAME

    def add_secrets(self, env: Mapping[str, str], secrets: Collection[str] = ()) -> None:
        """From now on mask the values of these variables, and of all with secret names, in this log."""
        self.redactor.add_secrets(env, secrets)

    def append(self, event: events.AnyEvent) -> events.EventRecord:
        """Write an event, after all of `append_later`. When this returns it is in the file; a decision is on the disk.

        Raises SessionError (full disk, read-only folder): then nothing of it was written.
        """
        with self._write_lock:
            self._write_pending()
            timestamp = time.time()
            number = self._write_events([(timestamp, event)], sync=isinstance(event, events.SYNCED_EVENTS))
        return events.EventRecord(number=number, timestamp=timestamp, event=event)

    def append_later(self, event: events.AnyEvent) -> None:
        """Queue an event, to be written soon with others: for bulk, where the screen must not wait for the disk. What has to be safe before anything else happens is appended instead.

        Raises SessionError when earlier events could not be written; they stay in the queue, and are tried again.
        """
        self._pending.append((time.time(), event))
        if self._write_error is not None:
            error, self._write_error = self._write_error, None
            raise error
        if not self._writer_active.is_set():
            self._writer_active.set()
            threading.Thread(target=self._write_in_background, name=f"log:{self.id}", daemon=True).start()

    def flush(self) -> None:
        """Write the queue. Raises SessionError."""
        if self._pending:
            with self._write_lock:
                self._write_pending()

    def _write_in_background(self) -> None:
        """In a thread of its own, until the queue is empty."""
        try:
            while self._pending:
                self.flush()
        except SessionError as error:
            self._write_error = error
        finally:
            self._writer_active.clear()
        if self._pending and self._write_error is None:  # queued between the last check and the end
            with contextlib.suppress(SessionError):
                self.flush()

    def _write_pending(self) -> None:
        batch = list(itertools.islice(self._pending, MAX_BATCH_EVENTS))
        while batch:
            self._write_events(batch, sync=False)
            for _ in batch:
                self._pending.popleft()
            batch = list(itertools.islice(self._pending, MAX_BATCH_EVENTS))

    def _encode_masked(self, batch: Sequence[events.AnyEvent]) -> tuple[list[bytes], Sequence[events.AnyEvent]]:
        """The events encoded and masked; and the events themselves, masked where the summary repeats their text."""
        try:
            encoded = [msgspec.json.encode(event) for event in batch]
            if self.redactor.has_no_secrets(b"\n".join(encoded)):
                return encoded, batch
        except UnicodeEncodeError:  # text of a file name that is no UTF-8
            pass
        documents = [self.redactor.redact_values(msgspec.to_builtins(event)) for event in batch]
        masked = [
            msgspec.convert(document, type=type(event)) if isinstance(event, _EVENTS_WITH_SUMMARY_TEXT) else event
            for event, document in zip(batch, documents, strict=True)
        ]
        return [msgspec.json.encode(document) for document in documents], masked

    def _write_events(self, batch: Sequence[tuple[float, events.AnyEvent]], *, sync: bool) -> int:
        """Write all of them or none; the last one's number. Raises SessionError."""
        encoded, masked = self._encode_masked([event for _, event in batch])
        if self._chain is None:
            self._chain = hash_chain.HashChain(self.events_path)
        last_number = self._chain.append_all(encoded, sync=sync, timestamps=[timestamp for timestamp, _ in batch])
        if self._summary is None:
            self._summary = summarize_events(self.folder)
            changed = True
        elif (added_count := last_number - self._summary.count) > len(
            batch
        ):  # supervisors and other commands have added events
            known_count = self._summary.count
            changed = any(
                [
                    self._summary.add_event(record)
                    for record in self._read_last_records(added_count + 64)
                    if record.number > known_count
                ]
            )
        else:
            first_number = last_number - len(batch) + 1
            changed = False
            # The summary is on the disk too: it takes the masked events.
            for number, ((timestamp, _), event) in enumerate(zip(batch, masked, strict=True), first_number):
                changed |= self._summary.add_event(events.EventRecord(number=number, timestamp=timestamp, event=event))
        if changed:
            self._save_summary(self._summary)
        return last_number

    def _save_summary(self, summary: SessionSummary) -> None:
        """The summary is a convenience: the event is already safe, so an error here is not the caller's."""
        with contextlib.suppress(OSError):
            summary.size = self.events_path.lstat().st_size
            replace_atomically(self.folder / SUMMARY_NAME, msgspec.json.encode(summary))

    def read_records(self) -> Iterator[events.EventRecord]:
        """All events, oldest first. Raises SessionError when the file cannot be read."""
        self.flush()
        return _read_records(self.folder)

    def read_last_records(self, count: int) -> list[events.EventRecord]:
        """The last events, oldest first, without reading those before. Raises SessionError."""
        self.flush()
        return self._read_last_records(count)

    def _read_last_records(self, count: int) -> list[events.EventRecord]:
        return [
            events.decode_record(line.raw, line.event_number, line.timestamp)
            for line in hash_chain.read_last_lines(self.events_path, count)
        ]

    def read_records_before(
        self, end: int | None, count: int, substrings: Sequence[bytes] = ()
    ) -> tuple[list[events.EventRecord], int]:
        """Events before a byte of the log (None: its end), oldest first, and the byte of the first; 0: no more.

        `substrings`: as for `read_lines_before`. Raises SessionError.
        """
        lines, offset = hash_chain.read_lines_before(self.events_path, end, count, substrings)
        return [events.decode_record(line.raw, line.event_number, line.timestamp) for line in lines], offset

    def read_summary(self) -> SessionSummary:
        """The summary, from its file or, where that is missing or damaged, from the events."""
        self.flush()
        return read_session_summary(self.folder)

    def verify(self) -> hash_chain.ChainVerification:
        """Check the hash chain. Raises SessionError when the file cannot be read."""
        self.flush()
        try:
            event_count = msgspec.json.decode(read_bytes(self.folder / SUMMARY_NAME), type=SessionSummary).count
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            event_count = 0
        return hash_chain.verify_chain(self.events_path, min_events=event_count)

    def end(self, outcome: str) -> None:
        """The session is over. Raises SessionError."""
        self.append(events.SessionEnded(outcome=outcome))

    def close(self) -> None:
        """Write the queue, and close the file; an append opens it again. Raises SessionError."""
        with self._write_lock:
            self._write_pending()
            if self._chain is not None:
                self._chain.close()
                self._chain = None


def _read_records(folder: Path) -> Iterator[events.EventRecord]:
    for line in hash_chain.read_lines(folder / hash_chain.LOG_NAME):
        yield events.decode_record(line.raw, line.event_number, line.timestamp)


def summarize_events(folder: Path) -> SessionSummary:
    """The summary from the events alone. Raises SessionError."""
    summary = SessionSummary(id=folder.name)
    for record in _read_records(folder):
        summary.add_event(record)
    return summary


MAX_SUMMARY_BYTES = 1_000_000
"""Bytes of a summary that are read."""

_decode_summary = msgspec.json.Decoder(SessionSummary).decode


def read_session_summary(folder: Path) -> SessionSummary:
    """The summary of a session by its folder, without opening the session. Raises SessionError."""
    try:
        summary = _decode_summary(read_bytes(folder / SUMMARY_NAME, limit=MAX_SUMMARY_BYTES))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return summarize_events(folder)
    try:
        is_current = os.lstat(folder / hash_chain.LOG_NAME).st_size == summary.size
    except OSError:
        is_current = True
    return summary if summary.id == folder.name and is_current else summarize_events(folder)


def read_current_summary(folder: str) -> SessionSummary | None:
    """The summary from its file, quickly; None where it is not of the whole log (see `read_session_summary`)."""
    try:
        fd = open_private_file(f"{folder}/{SUMMARY_NAME}", os.O_RDONLY)
        try:
            summary = _decode_summary(os.read(fd, MAX_SUMMARY_BYTES))
        finally:
            os.close(fd)
        is_current = os.lstat(f"{folder}/{hash_chain.LOG_NAME}").st_size == summary.size
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return summary if is_current and summary.id == folder.rpartition("/")[2] else None


def read_or_create_salt(folder: Path) -> bytes:
    """The session's salt, made on first use. Raises SessionError."""
    path = folder / SALT_NAME
    try:
        salt = read_bytes(path, limit=64)
        if len(salt) == 32:
            return salt
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SessionError(f"cannot read {path}: {describe_os_error(error)}") from error
    with raise_session_error("cannot write to", path):
        replace_atomically(path, os.urandom(32))
        return read_bytes(path, limit=64)


def make_commands_folder(session: Session) -> Path:
    """The folder that holds the commands' folders. Raises SessionError."""
    return make_private_folder(session.commands_folder)
