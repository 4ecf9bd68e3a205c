"""Follow the output of a command, from where one stopped; bounded whatever the command writes."""

from __future__ import annotations

import os
from pathlib import Path

from ecotui.session.private_files import open_file
from ecotui.supervisor.paths import OUTPUT

BLOCK = 1 << 18
"""Bytes a read."""
LONGEST = 8_192
"""Bytes of a line that are given out; the file has all of it."""


class Tail:
    """One reader's place in the output. Reads nothing that is not a whole line, unless the line is too long."""

    def __init__(self, folder: Path, *, longest: int = LONGEST) -> None:
        """`longest`: bytes of a line that are given out; more for a reader that decodes whole lines."""
        self._path = folder / OUTPUT
        self._longest = longest
        self._fd = -1
        self._place = 0
        """How far the file was read."""
        self._rest = b""
        """The beginning of a line whose end has not been read."""
        self._cut = 0
        """Bytes of the present line that were left out already."""

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def _open(self) -> bool:
        if self._fd < 0:
            try:
                self._fd = open_file(self._path, os.O_RDONLY)
            except OSError:
                return False
        return True

    def read(self, max_lines: int = 1000) -> list[str]:
        """The next lines, at most so many; empty when there are none yet. A line that is too long is cut, and says so."""
        lines: list[str] = []
        if not self._open():
            return lines
        while len(lines) < max_lines:
            block = os.pread(self._fd, BLOCK, self._place)
            if not block:
                break
            start = 0
            while len(lines) < max_lines:
                end = block.find(b"\n", start)
                if end < 0:
                    break
                lines.append(self._line(block[start:end]))
                start = end + 1
            if len(lines) == max_lines:
                self._place += start
                break
            self._keep(block[start:])
            self._place += len(block)
        return lines

    def _keep(self, part: bytes) -> None:
        room = self._longest - len(self._rest)
        self._rest += part[:room]
        self._cut += max(len(part) - room, 0)

    def _line(self, end: bytes) -> str:
        self._keep(end)
        text = self._rest.decode("utf-8", "replace")
        if self._cut:
            text = f"{text}… ({self._cut} more bytes)"
        self._rest, self._cut = b"", 0
        return text

    def seek_end(self, lines: int = 0) -> None:
        """Go to the end, so that the next read gives the last so many lines (of what is there now)."""
        self._go(self._last(lines))

    def skip_to_end(self, keep: int = 0) -> int:
        """Jump ahead, so that at most `keep` lines are left to read; how many were jumped over."""
        if not self._open():
            return 0
        target = self._last(keep)
        if target <= self._place:
            return 0
        place, skipped = self._place, 0
        while place < target:
            block = os.pread(self._fd, min(target - place, 1 << 20), place)
            if not block:
                break
            skipped += block.count(b"\n")
            place += len(block)
        self._go(target)
        return skipped

    def _go(self, place: int) -> None:
        self._place, self._rest, self._cut = place, b"", 0

    def _last(self, lines: int) -> int:
        """Where the last so many whole lines begin."""
        if not self._open():
            return 0
        size = os.fstat(self._fd).st_size
        # One newline more than lines: the one that ends the line before them.
        wanted, place = lines + 1, size
        while place > 0:
            length = min(BLOCK, place)
            block = os.pread(self._fd, length, place - length)
            found = block.count(b"\n")
            if found >= wanted:
                at = len(block)
                for _ in range(wanted):
                    at = block.rfind(b"\n", 0, at)
                return place - length + at + 1
            wanted -= found
            place -= length
        return 0
