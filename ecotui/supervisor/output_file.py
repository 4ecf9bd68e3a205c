"""Where a supervised command's output goes: a file, bounded in size, that a full disk does not stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ecotui.session.private_files import plainly
from ecotui.supervisor.output_times import GRAIN, record


class Output:
    """Appends to the output file. What cannot be kept is counted; the command is never held up by it."""

    def __init__(
        self, fd: int, limit: int, *, times: int = -1, clock: Callable[[], float] = time.time
    ) -> None:
        """`times`: a file for when what was written; a replay reads it, and nothing else depends on it."""
        self._fd = fd
        self._limit = limit
        """Bytes that are kept."""
        self._size = os.fstat(fd).st_size
        self.lost = 0
        """Bytes that could not be kept."""
        self.trouble = ""
        """Why, in plain words."""
        self._gap = 0
        """Bytes lost since the last that was kept."""
        self._full = False
        self._times = times
        self._clock = clock
        self._told = 0.0
        """When the time of a write was last written down."""

    def write(self, text: str) -> None:
        """Keep the text. Never raises."""
        data = text.encode("utf-8", "replace")
        if not data:
            return
        if self._full or self._size + len(data) > self._limit:
            if not self._full:
                self._full = True
                self.trouble = f"more than {self._limit} bytes of output; the rest was not kept"
                self._put(f"\n[ecotui: {self.trouble}]\n".encode())
            self.lost += len(data)
            return
        notice = b""
        if self._gap:
            notice = f"\n[ecotui: {self._gap} bytes of output are missing here: {self.trouble}]\n".encode()
        if self._put(notice + data):
            self._gap = 0
        else:
            self._gap += len(data)
            self.lost += len(data)

    def _put(self, data: bytes) -> bool:
        """All of it or nothing: half a line would end in the middle of a character."""
        begin = self._size
        if not self._keep(data):
            return False
        self._tell_time(begin)
        return True

    def _tell_time(self, begin: int) -> None:
        """From this byte on it was written now. Not for each write: a flood would fill the disk with times."""
        now = self._clock()
        if self._times < 0 or 0 <= now - self._told < GRAIN:
            return
        try:
            os.write(self._times, record(begin, now))
        except OSError:
            self._times = -1  # part of a record may stand there: a reader stops at it
        self._told = now

    def _keep(self, data: bytes) -> bool:
        try:
            done = 0
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError as error:
            self.trouble = plainly(error)
            try:
                os.ftruncate(self._fd, self._size)
            except OSError:
                self._size = os.fstat(self._fd).st_size
            return False
        self._size += len(data)
        return True
