"""The log's file: one JSON line an event, each with the hash of the line before.

Several processes append (the TUI, supervisors, headless commands): each append holds the file's flock, reads what
others added, and writes its line with one call. A line that a crash cut off stays in the file, but is no part of the
chain: readers skip it, and nothing that was written is ever removed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ecotui.session import SessionError
from ecotui.session.private_files import describe_os_error, open_private_file, raise_session_error, write_fully

LOG_VERSION = 1
FIRST_HASH = "0" * 64
"""The hash before the first line."""
LOG_NAME = "events.jsonl"


class ChainLine(NamedTuple):
    """A line that belongs to the chain."""

    line_number: int
    """Counted from 1 in the file, torn lines included."""
    event_number: int
    timestamp: float
    previous_hash: str
    hash: str
    raw: bytes
    """The whole line, without its end."""


class ChainVerification(NamedTuple):
    """The result of checking the chain."""

    event_count: int
    torn_lines: int
    """Lines that a crash cut off; they are no part of the chain."""
    broken_line: int | None
    """The number of the first line (from 1) that does not fit; None when all fit."""
    reason: str
    head_hash: str
    """The hash of the last line that fits."""

    @property
    def is_intact(self) -> bool:
        return self.broken_line is None


class HashChain:
    """One process's handle on the file. Not for several threads at once. Close it, or let it be collected."""

    def __init__(self, path: Path) -> None:
        """Open, or create, the file. Raises SessionError."""
        self.path = path
        with raise_session_error("cannot write to", path):
            self._fd = open_private_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._known_bytes = 0
        """How far the file is known."""
        self._head_hash = FIRST_HASH
        self._event_number = 0

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        fd = getattr(self, "_fd", -1)
        if fd >= 0:
            os.close(fd)
            self._fd = -1

    def append(self, event: bytes, *, sync: bool, timestamp: float | None = None) -> int:
        """Add one event (a JSON object, encoded) and return its number.

        When this returns, the event is in the file; with `sync` it is on the disk. Raises SessionError: then no
        part of it is in the file.
        """
        return self.append_all([event], sync=sync, timestamps=timestamp)

    def append_all(
        self, batch: Sequence[bytes], *, sync: bool, timestamps: float | Sequence[float] | None = None
    ) -> int:
        """Add many events under one lock, with one write; gives the last one's number.

        `timestamps`: when they happened, one for all or one for each. When this returns, all are in the file; with
        `sync` they are on the disk. Raises SessionError: then none of them is.
        """
        times = (
            timestamps
            if isinstance(timestamps, Sequence)
            else [time.time() if timestamps is None else timestamps] * len(batch)
        )
        self._lock()
        try:
            with raise_session_error("cannot write to", self.path):
                self._read_appended()
            number, head_hash, lines = self._event_number, self._head_hash, []
            for event, timestamp in zip(batch, times, strict=True):
                number += 1
                line = b'{"v":%d,"n":%d,"at":%.6f,"prev":"%s","event":%s}' % (
                    LOG_VERSION,
                    number,
                    timestamp,
                    head_hash.encode(),
                    event,
                )
                head_hash = sha256(line).hexdigest()
                lines.append(line + b"\n")
            data = b"".join(lines)
            self._write(data, sync)
            self._event_number, self._head_hash = number, head_hash
            self._known_bytes += len(data)
            return number
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _lock(self) -> None:
        with raise_session_error("cannot lock", self.path):
            fcntl.flock(self._fd, fcntl.LOCK_EX)

    def _write(self, data: bytes, sync: bool) -> None:
        """Append; when that fails, cut the file again: no caller was told that the events are written."""
        try:
            write_fully(self._fd, data)
            if sync:
                os.fdatasync(self._fd)
        except OSError as error:
            try:
                os.ftruncate(self._fd, self._known_bytes)
            except OSError:
                self._known_bytes, self._event_number, self._head_hash = 0, 0, FIRST_HASH
            raise SessionError(f"cannot write to {self.path}: {describe_os_error(error)}") from error

    def _read_appended(self) -> None:
        """Read what others added, and end a line that a crash cut off. Raises OSError."""
        size = os.fstat(self._fd).st_size
        if size == self._known_bytes:
            return
        if size < self._known_bytes:  # the file was cut: the chain is what is left of it
            self._known_bytes, self._event_number, self._head_hash = 0, 0, FIRST_HASH
        added = _read_range(self._fd, self._known_bytes, size)
        if not added.endswith(b"\n"):
            write_fully(self._fd, b"\n")
            added += b"\n"
        for line in _parse_lines(added, self._event_number, self._head_hash):
            self._event_number, self._head_hash = line.event_number, line.hash
        self._known_bytes += len(added)


def _read_range(fd: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        block = os.pread(fd, min(end - start, 1 << 20), start)
        if not block:
            break
        parts.append(block)
        start += len(block)
    return b"".join(parts)


def _parse_lines(data: bytes, n: int, head: str) -> Iterator[ChainLine]:
    """The records in the data; other lines are skipped."""
    for number, raw in enumerate(data.split(b"\n")[:-1], start=1):
        line = parse_line(number, raw)
        if line is not None:
            yield line


def parse_line(line_number: int, raw: bytes) -> ChainLine | None:
    """A record, or None for any other line. The event itself is not checked."""
    try:
        document = json.loads(raw)
        return ChainLine(
            line_number, int(document["n"]), float(document["at"]), str(document["prev"]), sha256(raw).hexdigest(), raw
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def read_lines(path: Path, start: int = 0) -> Iterator[ChainLine]:
    """The records of the file, in order, without torn lines. `start`: the byte of the line to start at.

    Raises SessionError.
    """
    for number, raw in _numbered_raw_lines(path, start):
        line = parse_line(number, raw)
        if line is not None:
            yield line


def read_raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line of the file, torn ones too, with its first byte. Raises SessionError."""
    byte = 0
    for _, raw in _numbered_raw_lines(path):
        yield byte, raw
        byte += len(raw) + 1


def read_last_lines(path: Path, count: int) -> list[ChainLine]:
    """The last records, read from the end of the file. Their `line_number` is 0: the lines before are not counted.

    Raises SessionError.
    """
    lines, _ = read_lines_before(path, None, count)
    return lines


def read_lines_before(
    path: Path, end: int | None, count: int, substrings: Sequence[bytes] = ()
) -> tuple[list[ChainLine], int]:
    """The last records before a byte of the file (None: its end), oldest first, and the byte of the first.

    At most `count` of them. With `substrings`, at least `count` lines are read, and those are returned that contain one
    of them. The byte is 0 when there are none before. Raises SessionError.
    """
    with raise_session_error("cannot read", path):
        fd = open_private_file(path, os.O_RDONLY)
    try:
        with raise_session_error("cannot read", path):
            offset = os.fstat(fd).st_size if end is None else end
            blocks: list[bytes] = []
            line_count = 0
            while offset > 0 and line_count <= count:
                block_start = max(offset - (1 << 18), 0)
                block = _read_range(fd, block_start, offset)
                blocks.append(block)
                line_count += block.count(b"\n")
                offset = block_start
    finally:
        os.close(fd)
    data = b"".join(reversed(blocks))
    if offset > 0:  # the beginning of the first line was not read
        skipped = data.find(b"\n") + 1
        offset, data = offset + skipped, data[skipped:]
    rows, row_offset = [], offset
    for raw in data.split(b"\n"):
        rows.append((row_offset, raw))
        row_offset += len(raw) + 1
    if substrings:
        matching = [raw for _, raw in rows if any(word in raw for word in substrings)]
        return [line for raw in matching if (line := parse_line(0, raw)) is not None], offset
    lines: list[ChainLine] = []
    first_offset = offset + len(data)
    for row_offset, raw in reversed(rows):
        if len(lines) == count:
            break
        if (line := parse_line(0, raw)) is not None:
            lines.append(line)
            first_offset = row_offset
    else:
        first_offset = offset
    return lines[::-1], first_offset


def _numbered_raw_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    with raise_session_error("cannot read", path):
        fd = open_private_file(path, os.O_RDONLY)
    with os.fdopen(fd, "rb", buffering=1 << 18) as stream:
        try:
            stream.seek(start)
            for number, raw in enumerate(stream, start=1):
                # A last line without its end may be whole all the same: only its last byte was lost.
                yield number, raw.removesuffix(b"\n")
        except OSError as error:
            raise SessionError(f"cannot read {path}: {describe_os_error(error)}") from error


def verify_chain(path: Path, *, min_events: int = 0) -> ChainVerification:
    """Check every line against the one before. `min_events`: how many events the summary knows of.

    Raises SessionError when the file cannot be read at all.
    """
    head_hash, event_count, torn_lines, line_number = FIRST_HASH, 0, 0, 0
    for line_number, raw in _numbered_raw_lines(path):
        line = parse_line(line_number, raw)
        if line is None:
            torn_lines += 1
            continue
        if line.previous_hash != head_hash:
            return ChainVerification(
                event_count, torn_lines, line_number, "it does not follow from the line before it", head_hash
            )
        if line.event_number != event_count + 1:
            return ChainVerification(
                event_count,
                torn_lines,
                line_number,
                f"it is number {line.event_number}, where {event_count + 1} was due",
                head_hash,
            )
        head_hash, event_count = line.hash, line.event_number
    if event_count < min_events:
        reason = f"{min_events - event_count} of {min_events} events are gone from the end"
        return ChainVerification(event_count, torn_lines, line_number + 1, reason, head_hash)
    return ChainVerification(event_count, torn_lines, None, "", head_hash)


def is_file_missing(error: SessionError) -> bool:
    """Whether the only problem is that there is no such file."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.ENOENT
