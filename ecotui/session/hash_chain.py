"""The file under the log: one JSON line an event, each with the hash of the line before.

Several processes append (the TUI, supervisors, headless commands): each append holds the file's flock, reads what the
others added, and writes its line with one call. What a crash tore off stays in the file as a line of its own, which is
no part of the chain: readers step over it, and nothing that was written is ever taken away.
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
from ecotui.session.private_files import explained, open_file, plainly, write_all

VERSION = 1
START = "0" * 64
"""What stands for the hash before the first line."""
NAME = "events.jsonl"


class Line(NamedTuple):
    """A line that belongs to the chain."""

    number: int
    """Counted from 1 in the file, torn lines included."""
    n: int
    at: float
    prev: str
    hash: str
    raw: bytes
    """The whole line, without its end."""


class Verdict(NamedTuple):
    """What checking the chain gave."""

    events: int
    torn: int
    """Lines that a crash cut off; they are no part of the chain."""
    broken: int | None
    """The number of the first line (from 1) that does not fit; None when all fit."""
    reason: str
    head: str
    """The hash of the last line that fits."""

    @property
    def whole(self) -> bool:
        return self.broken is None


class Chain:
    """One process's handle on the file. Not for several threads at once. Close it, or let it be collected."""

    def __init__(self, path: Path) -> None:
        """Open, or create, the file. Raises SessionError."""
        self.path = path
        with explained("cannot write to", path):
            self._fd = open_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._end = 0
        """How far the file is known."""
        self._head = START
        self._n = 0

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        fd = getattr(self, "_fd", -1)
        if fd >= 0:
            os.close(fd)
            self._fd = -1

    def append(self, event: bytes, *, sync: bool, at: float | None = None) -> int:
        """Add one event (a JSON object, encoded) and return its number.

        When this returns, the event is in the file; with `sync` it is on the disk. Raises SessionError: then no
        part of it is in the file.
        """
        return self.extend([event], sync=sync, at=at)

    def extend(self, batch: Sequence[bytes], *, sync: bool, at: float | Sequence[float] | None = None) -> int:
        """Add many events under one lock, with one write; gives the last one's number.

        `at`: when they happened, one moment for all or one for each. When this returns, all are in the file; with
        `sync` they are on the disk. Raises SessionError: then none of them is.
        """
        moments = at if isinstance(at, Sequence) else [time.time() if at is None else at] * len(batch)
        self._lock()
        try:
            with explained("cannot write to", self.path):
                self._catch_up()
            n, head, lines = self._n, self._head, []
            for event, moment in zip(batch, moments, strict=True):
                n += 1
                line = b'{"v":%d,"n":%d,"at":%.6f,"prev":"%s","event":%s}' % (
                    VERSION,
                    n,
                    moment,
                    head.encode(),
                    event,
                )
                head = sha256(line).hexdigest()
                lines.append(line + b"\n")
            data = b"".join(lines)
            self._write(data, sync)
            self._n, self._head = n, head
            self._end += len(data)
            return n
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _lock(self) -> None:
        with explained("cannot lock", self.path):
            fcntl.flock(self._fd, fcntl.LOCK_EX)

    def _write(self, data: bytes, sync: bool) -> None:
        """Write behind the known end; when that fails, take the part away again: nobody was told that it is there."""
        try:
            write_all(self._fd, data)
            if sync:
                os.fdatasync(self._fd)
        except OSError as error:
            try:
                os.ftruncate(self._fd, self._end)
            except OSError:
                self._end, self._n, self._head = 0, 0, START
            raise SessionError(f"cannot write to {self.path}: {plainly(error)}") from error

    def _catch_up(self) -> None:
        """Read what others added, and end a line that a crash left open. Raises OSError."""
        size = os.fstat(self._fd).st_size
        if size == self._end:
            return
        if size < self._end:  # somebody cut the file: the chain is what is left of it
            self._end, self._n, self._head = 0, 0, START
        added = _pread(self._fd, self._end, size)
        if not added.endswith(b"\n"):
            write_all(self._fd, b"\n")
            added += b"\n"
        for line in _chained(added, self._n, self._head):
            self._n, self._head = line.n, line.hash
        self._end += len(added)


def _pread(fd: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        part = os.pread(fd, min(end - start, 1 << 20), start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _chained(data: bytes, n: int, head: str) -> Iterator[Line]:
    """The lines of the data that are records at all; a line that is none is stepped over."""
    for number, raw in enumerate(data.split(b"\n")[:-1], start=1):
        line = parse(number, raw)
        if line is not None:
            yield line


def parse(number: int, raw: bytes) -> Line | None:
    """A record, or None for what is none. The event itself is not looked at."""
    try:
        found = json.loads(raw)
        return Line(
            number, int(found["n"]), float(found["at"]), str(found["prev"]), sha256(raw).hexdigest(), raw
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def read(path: Path, start: int = 0) -> Iterator[Line]:
    """The records of the file, in order; torn lines are left out. `start`: the byte where a line begins, from which on.

    Raises SessionError.
    """
    for number, raw in _raw_lines(path, start):
        line = parse(number, raw)
        if line is not None:
            yield line


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line of the file as it is, torn ones too, with the byte where it begins. Raises SessionError."""
    byte = 0
    for _, raw in _raw_lines(path):
        yield byte, raw
        byte += len(raw) + 1


def tail(path: Path, count: int) -> list[Line]:
    """The last so many records, read from the end of the file. Their `number` is 0: nobody counted up to there.

    Raises SessionError.
    """
    found, _ = before(path, None, count)
    return found


def before(path: Path, end: int | None, count: int, wanted: Sequence[bytes] = ()) -> tuple[list[Line], int]:
    """The last records before a byte of the file (None: its end), oldest first, and the byte where they begin.

    Gives `count` of them, fewer at the beginning of the file. With `wanted`, at least so many are looked at, and those
    are given that have one of these words in them. The byte is 0 when there are none before. Raises SessionError.
    """
    with explained("cannot read", path):
        fd = open_file(path, os.O_RDONLY)
    try:
        with explained("cannot read", path):
            place = os.fstat(fd).st_size if end is None else end
            parts: list[bytes] = []
            ends = 0
            while place > 0 and ends <= count:
                begin = max(place - (1 << 18), 0)
                part = _pread(fd, begin, place)
                parts.append(part)
                ends += part.count(b"\n")
                place = begin
    finally:
        os.close(fd)
    data = b"".join(reversed(parts))
    if place > 0:  # the beginning of the first line was not read
        skipped = data.find(b"\n") + 1
        place, data = place + skipped, data[skipped:]
    rows, at = [], place
    for raw in data.split(b"\n"):
        rows.append((at, raw))
        at += len(raw) + 1
    if wanted:
        likely = [raw for _, raw in rows if any(word in raw for word in wanted)]
        return [line for raw in likely if (line := parse(0, raw)) is not None], place
    found: list[Line] = []
    first = place + len(data)
    for at, raw in reversed(rows):
        if len(found) == count:
            break
        if (line := parse(0, raw)) is not None:
            found.append(line)
            first = at
    else:
        first = place
    return found[::-1], first


def _raw_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    with explained("cannot read", path):
        fd = open_file(path, os.O_RDONLY)
    with os.fdopen(fd, "rb", buffering=1 << 18) as stream:
        try:
            stream.seek(start)
            for number, raw in enumerate(stream, start=1):
                # A last line without its end may be whole all the same: only its last byte was lost.
                yield number, raw.removesuffix(b"\n")
        except OSError as error:
            raise SessionError(f"cannot read {path}: {plainly(error)}") from error


def verify(path: Path, *, at_least: int = 0) -> Verdict:
    """Check every line against the one before. `at_least`: how many events the summary knows of.

    Raises SessionError when the file cannot be read at all.
    """
    head, n, torn, number = START, 0, 0, 0
    for number, raw in _raw_lines(path):
        line = parse(number, raw)
        if line is None:
            torn += 1
            continue
        if line.prev != head:
            return Verdict(n, torn, number, "it does not follow from the line before it", head)
        if line.n != n + 1:
            return Verdict(n, torn, number, f"it is number {line.n}, where {n + 1} was due", head)
        head, n = line.hash, line.n
    if n < at_least:
        reason = f"{at_least - n} of {at_least} events are gone from the end"
        return Verdict(n, torn, number + 1, reason, head)
    return Verdict(n, torn, None, "", head)


def missing(error: SessionError) -> bool:
    """Whether the trouble is only that there is no such file."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.ENOENT
