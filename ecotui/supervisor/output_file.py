"""The output file of a supervised command: bounded in size; a full disk does not stop the command."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ecotui.session.private_files import describe_os_error
from ecotui.supervisor.output_times import MIN_RECORD_INTERVAL, pack_record


class OutputFile:
    """Appends to the output file. Counts what cannot be kept, and never blocks the command."""

    def __init__(self, fd: int, limit: int, *, times_fd: int = -1, clock: Callable[[], float] = time.time) -> None:
        """`times_fd`: a file for the times of the writes; a replay reads it, and nothing else depends on it."""
        self._fd = fd
        self._max_bytes = limit
        """Bytes that are kept."""
        self._size = os.fstat(fd).st_size
        self.lost_bytes = 0
        """Bytes that could not be kept."""
        self.error = ""
        """Why, for a person."""
        self._gap_bytes = 0
        """Bytes lost since the last write that was kept."""
        self._is_full = False
        self._times_fd = times_fd
        self._clock = clock
        self._last_time_recorded = 0.0
        """Time of the last write whose time was recorded."""

    def write(self, text: str) -> None:
        """Append the text. Never raises."""
        data = text.encode("utf-8", "replace")
        if not data:
            return
        if self._is_full or self._size + len(data) > self._max_bytes:
            if not self._is_full:
                self._is_full = True
                self.error = f"more than {self._max_bytes} bytes of output; the rest was not kept"
                self._append(f"\n[ecotui: {self.error}]\n".encode())
            self.lost_bytes += len(data)
            return
        notice = b""
        if self._gap_bytes:
            notice = f"\n[ecotui: {self._gap_bytes} bytes of output are missing here: {self.error}]\n".encode()
        if self._append(notice + data):
            self._gap_bytes = 0
        else:
            self._gap_bytes += len(data)
            self.lost_bytes += len(data)

    def _append(self, data: bytes) -> bool:
        """All of it or nothing: half a line would end in the middle of a character."""
        start = self._size
        if not self._write_all(data):
            return False
        self._record_time(start)
        return True

    def _record_time(self, offset: int) -> None:
        """Record that the bytes from this offset are written now. Not for each write: a flood would fill the disk."""
        now = self._clock()
        if self._times_fd < 0 or 0 <= now - self._last_time_recorded < MIN_RECORD_INTERVAL:
            return
        try:
            os.write(self._times_fd, pack_record(offset, now))
        except OSError:
            self._times_fd = -1  # part of a record may stand there: a reader stops at it
        self._last_time_recorded = now

    def _write_all(self, data: bytes) -> bool:
        try:
            done = 0
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError as error:
            self.error = describe_os_error(error)
            try:
                os.ftruncate(self._fd, self._size)
            except OSError:
                self._size = os.fstat(self._fd).st_size
            return False
        self._size += len(data)
        return True
