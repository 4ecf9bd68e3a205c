"""When each part of an output was written: a record of 16 bytes for each batch, beside the output. Imports little."""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from ecotui.session.private_files import open_file

GRAIN = 0.1
"""Seconds between two records, at least: a command that writes without end takes 160 bytes a second for this."""
LARGEST = 64_000_000
"""Bytes that are read: the records of four days of writing without end."""
_RECORD = struct.Struct("<QQ")
"""The first byte of the batch, and milliseconds since the epoch."""


def record(begin: int, at: float) -> bytes:
    """One record. `at`: seconds since the epoch."""
    return _RECORD.pack(begin, max(int(at * 1000), 0))


class Written:
    """The times of one output. Bytes before the first record, and of a file without any, have no time."""

    def __init__(self, begins: Sequence[int], moments: Sequence[float], size: int) -> None:
        self.begins = begins
        """The first byte of each batch; they grow."""
        self.moments = moments
        """Seconds since the epoch; they do not go back."""
        self.size = size
        """Bytes of the whole output."""

    @classmethod
    def read(cls, times: Path, output: Path) -> Written:
        """Never raises: what cannot be read, and what does not fit what was before it, is left out."""
        begins: list[int] = []
        moments: list[float] = []
        size = _size(output)
        try:
            with os.fdopen(open_file(times, os.O_RDONLY), "rb") as stream:
                data = stream.read(LARGEST)
        except OSError:
            data = b""
        for begin, milliseconds in _RECORD.iter_unpack(data[: len(data) // _RECORD.size * _RECORD.size]):
            if begin > size or (begins and begin <= begins[-1]):
                break
            begins.append(begin)
            # A clock that was set back: time stands still until it has caught up.
            moments.append(max(milliseconds / 1000, moments[-1] if moments else 0.0))
        return cls(begins, moments, size)

    @classmethod
    def spread(cls, output: Path, began: float, ended: float, parts: int = 200) -> Written:
        """For an output of which no times are known: evenly over the time of its command."""
        size = _size(output)
        parts = min(parts, size)
        return cls(
            [size * part // parts for part in range(parts)],
            [began + (ended - began) * part / parts for part in range(parts)],
            size,
        )

    def until(self, at: float) -> int:
        """How many bytes there were at a moment."""
        place = bisect_right(self.moments, at)
        if place >= len(self.begins):
            return self.size if self.moments else 0
        return self.begins[place]

    def at(self, byte: int) -> float | None:
        """When a byte was written; None where that is not known."""
        place = bisect_right(self.begins, byte) - 1
        return self.moments[place] if place >= 0 else None


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
