"""The times at which parts of an output were written: 16 bytes for each batch, beside the output. Imports little."""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from ecotui.session.private_files import open_private_file

MIN_RECORD_INTERVAL = 0.1
"""Seconds between two records, at least: a command that writes without end takes 160 bytes a second for this."""
MAX_TIMES_BYTES = 64_000_000
"""Bytes that are read: the records of four days of writing without end."""
_RECORD = struct.Struct("<QQ")
"""The first byte of the batch, and milliseconds since the epoch."""


def pack_record(offset: int, timestamp: float) -> bytes:
    """One record. `timestamp`: seconds since the epoch."""
    return _RECORD.pack(offset, max(int(timestamp * 1000), 0))


class OutputTimes:
    """The times of one output. Bytes before the first record, and of a file without any, have no time."""

    def __init__(self, offsets: Sequence[int], timestamps: Sequence[float], size: int) -> None:
        self.offsets = offsets
        """The first byte of each batch, ascending."""
        self.timestamps = timestamps
        """Seconds since the epoch, ascending."""
        self.size = size
        """Bytes of the whole output."""

    @classmethod
    def read(cls, times: Path, output: Path) -> OutputTimes:
        """Never raises: leaves out what cannot be read, and what does not fit the records before it."""
        offsets: list[int] = []
        timestamps: list[float] = []
        size = _file_size(output)
        try:
            with os.fdopen(open_private_file(times, os.O_RDONLY), "rb") as stream:
                data = stream.read(MAX_TIMES_BYTES)
        except OSError:
            data = b""
        for offset, milliseconds in _RECORD.iter_unpack(data[: len(data) // _RECORD.size * _RECORD.size]):
            if offset > size or (offsets and offset <= offsets[-1]):
                break
            offsets.append(offset)
            # A clock that was set back: time stands still until it has caught up.
            timestamps.append(max(milliseconds / 1000, timestamps[-1] if timestamps else 0.0))
        return cls(offsets, timestamps, size)

    @classmethod
    def spread_evenly(cls, output: Path, started_at: float, ended_at: float, parts: int = 200) -> OutputTimes:
        """For an output without times: spread evenly over the time of its command."""
        size = _file_size(output)
        parts = min(parts, size)
        return cls(
            [size * part // parts for part in range(parts)],
            [started_at + (ended_at - started_at) * part / parts for part in range(parts)],
            size,
        )

    def size_at(self, timestamp: float) -> int:
        """How many bytes there were at a time, in seconds since the epoch."""
        index = bisect_right(self.timestamps, timestamp)
        if index >= len(self.offsets):
            return self.size if self.timestamps else 0
        return self.offsets[index]

    def time_of_byte(self, offset: int) -> float | None:
        """When a byte was written; None where that is not known."""
        index = bisect_right(self.offsets, offset) - 1
        return self.timestamps[index] if index >= 0 else None


def _file_size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
