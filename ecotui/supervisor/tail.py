"""Reads the output of a command from where the last read stopped, in bounded memory."""

from __future__ import annotations

import os
from pathlib import Path

from ecotui.session.private_files import open_private_file
from ecotui.supervisor.paths import OUTPUT_LOG

LOG_READ_SIZE = 1 << 18
"""Bytes a read."""
MAX_LINE_BYTES = 8_192
"""Bytes of a line that are returned; the file has all of it."""


class Tail:
    """One reader's position in the output. Returns whole lines only; a line that is too long is cut, and says so."""

    def __init__(self, folder: Path, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        """`max_line_bytes`: more than the default for a reader that decodes whole lines."""
        self._path = folder / OUTPUT_LOG
        self._max_line_bytes = max_line_bytes
        self._fd = -1
        self._offset = 0
        """Bytes of the file that were read."""
        self._partial_line = b""
        """The start of a line whose end was not read yet."""
        self._dropped_bytes = 0
        """Bytes of the current line that were left out."""

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def _ensure_open(self) -> bool:
        if self._fd < 0:
            try:
                self._fd = open_private_file(self._path, os.O_RDONLY)
            except OSError:
                return False
        return True

    def read(self, max_lines: int = 1000) -> list[str]:
        """The next lines, at most so many; empty when there are none yet."""
        lines: list[str] = []
        if not self._ensure_open():
            return lines
        while len(lines) < max_lines:
            block = os.pread(self._fd, LOG_READ_SIZE, self._offset)
            if not block:
                break
            start = 0
            while len(lines) < max_lines:
                end = block.find(b"\n", start)
                if end < 0:
                    break
                lines.append(self._finish_line(block[start:end]))
                start = end + 1
            if len(lines) == max_lines:
                self._offset += start
                break
            self._append_partial(block[start:])
            self._offset += len(block)
        return lines

    def _append_partial(self, part: bytes) -> None:
        room = self._max_line_bytes - len(self._partial_line)
        self._partial_line += part[:room]
        self._dropped_bytes += max(len(part) - room, 0)

    def _finish_line(self, end: bytes) -> str:
        self._append_partial(end)
        text = self._partial_line.decode("utf-8", "replace")
        if self._dropped_bytes:
            text = f"{text}… ({self._dropped_bytes} more bytes)"
        self._partial_line, self._dropped_bytes = b"", 0
        return text

    def seek_end(self, lines: int = 0) -> None:
        """Go to the end, so that the next read returns the last so many lines of now."""
        self._seek(self._offset_of_last_lines(lines))

    def skip_to_end(self, keep: int = 0) -> int:
        """Go forward, so that at most `keep` lines are left to read; returns how many were skipped."""
        if not self._ensure_open():
            return 0
        target = self._offset_of_last_lines(keep)
        if target <= self._offset:
            return 0
        offset, skipped = self._offset, 0
        while offset < target:
            block = os.pread(self._fd, min(target - offset, 1 << 20), offset)
            if not block:
                break
            skipped += block.count(b"\n")
            offset += len(block)
        self._seek(target)
        return skipped

    def _seek(self, offset: int) -> None:
        self._offset, self._partial_line, self._dropped_bytes = offset, b"", 0

    def _offset_of_last_lines(self, lines: int) -> int:
        """Where the last so many whole lines start."""
        if not self._ensure_open():
            return 0
        size = os.fstat(self._fd).st_size
        # One newline more than lines: the one that ends the line before them.
        missing, offset = lines + 1, size
        while offset > 0:
            length = min(LOG_READ_SIZE, offset)
            block = os.pread(self._fd, length, offset - length)
            found = block.count(b"\n")
            if found >= missing:
                at = len(block)
                for _ in range(missing):
                    at = block.rfind(b"\n", 0, at)
                return offset - length + at + 1
            missing -= found
            offset -= length
        return 0
