"""A file of any size, a screenful at a time: what is not in sight is not read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from ecotui.session.private_files import open_private_file
from screens.actions import bindings
from screens.style.themes import MUTED

BLOCK_BYTES = 1 << 16
"""Bytes read at once; a line longer than this is shown as several."""
HORIZONTAL_STEP = 20
"""Cells that one press of ← or → moves."""


class Pager(Widget, can_focus=True):
    """Lines from a byte of the file on. Says where it is whenever that changes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pager--line"}
    DEFAULT_CSS = """
    Pager { height: 1fr; background: $background; }
    Pager > .pager--line { color: $foreground; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("pager")

    class Scrolled(Message):
        """Other lines are in sight."""

    def __init__(self, path: Path, format_line: Callable[[str], str] = str, *, id: str | None = None) -> None:
        """`shown` makes of a line what is drawn of it."""
        super().__init__(id=id)
        self._path = path
        self.format_line = format_line
        self.top_offset = 0
        """The byte of the first line in sight."""
        self.highlighted_words = ""
        """What is marked, in any case."""
        self.hit_offset: int | None = None
        """The byte of the place that was searched for last; its line is marked more."""
        self.error_text = ""
        self._horizontal_offset = 0
        self._visible_lines: list[tuple[int, str]] = []

    def on_mount(self) -> None:
        self.call_after_refresh(self.load_visible)

    def on_resize(self) -> None:
        self.load_visible()

    @property
    def size_in_bytes(self) -> int:
        try:
            return self._path.lstat().st_size
        except OSError:
            return 0

    @property
    def bottom_offset(self) -> int:
        """The byte behind the last line in sight."""
        if not self._visible_lines:
            return self.top_offset
        place, line = self._visible_lines[-1]
        return place + len(line.encode()) + 1

    @property
    def visible_text(self) -> str:
        """The lines in sight, as they were written."""
        return "\n".join(line for _, line in self._visible_lines)

    def load_visible(self) -> None:
        """Read what is in sight, and draw it."""
        rows = max(self.size.height, 1)
        found: list[tuple[int, str]] = []
        place = self.top_offset
        while len(found) < rows:
            data = self._read(place, BLOCK_BYTES)
            if not data:
                break
            pieces = data.split(b"\n")
            last = pieces.pop()
            if not pieces or (len(data) < BLOCK_BYTES and last):
                pieces.append(last)  # a line longer than a block, or the end of the file
            for piece in pieces:
                found.append((place, piece.decode("utf-8", "replace")))
                place += len(piece) + 1
        self._visible_lines = found[:rows]
        self.refresh()
        self.post_message(self.Scrolled())

    def _read(self, offset: int, count: int) -> bytes:
        try:
            fd = open_private_file(self._path, os.O_RDONLY)
        except OSError as error:
            self.error_text = f"The output cannot be read: {error.strerror}"
            return b""
        try:
            return os.pread(fd, count, offset)
        finally:
            os.close(fd)

    def _offset_lines_before(self, offset: int, lines: int) -> int:
        """The byte where the line stands that is so many lines before a place."""
        while lines > 0 and offset > 0:
            begin = max(offset - BLOCK_BYTES, 0)
            data = self._read(begin, offset - begin)
            end = len(data) - 1  # the newline that ends the line before
            while lines > 0 and end >= 0:
                at = data.rfind(b"\n", 0, max(end, 0))
                if at < 0:
                    break
                offset, end, lines = begin + at + 1, at, lines - 1
            else:
                continue
            if begin == 0:
                return 0
            if end == len(data) - 1:  # no line begins in a whole block
                offset, lines = begin, lines - 1
        return offset

    def scroll_to_offset(self, offset: int, *, lines_above: int = 0) -> None:
        """Bring the line of a byte into sight, with so many lines above it."""
        offset = max(min(offset, self.size_in_bytes), 0)
        data = self._read(max(offset - BLOCK_BYTES, 0), min(BLOCK_BYTES, offset))
        begin = offset - (len(data) - data.rfind(b"\n") - 1) if data else 0
        self.top_offset = self._offset_lines_before(begin, lines_above)
        self.load_visible()

    def action_move(self, by: int) -> None:
        if by < 0:
            self.top_offset = self._offset_lines_before(self.top_offset, -by)
        elif len(self._visible_lines) > by and self._has_more_below:
            self.top_offset = self._visible_lines[by][0]
        self.load_visible()

    @property
    def _has_more_below(self) -> bool:
        """Whether there is anything below what is in sight."""
        return bool(self._visible_lines) and self.bottom_offset < self.size_in_bytes

    def action_page(self, by: int) -> None:
        rows = max(self.size.height - 1, 1)
        if by < 0:
            self.top_offset = self._offset_lines_before(self.top_offset, rows)
        elif len(self._visible_lines) >= rows and self._has_more_below:
            self.top_offset = self._visible_lines[min(rows, len(self._visible_lines) - 1)][0]
        self.load_visible()

    def action_go(self, offset: int) -> None:
        self.top_offset = offset
        self.load_visible()

    def action_end(self) -> None:
        self.top_offset = self._offset_lines_before(self.size_in_bytes, max(self.size.height, 1))
        self.load_visible()

    def action_sideways(self, by: int) -> None:
        self._horizontal_offset = max(self._horizontal_offset + by * HORIZONTAL_STEP, 0)
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-3)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        style = self.get_visual_style("pager--line")
        if y >= len(self._visible_lines):
            text = Content.styled(self.error_text or "It wrote nothing.", MUTED)
            if y or self._visible_lines:
                return Strip.blank(width, style.rich_style)
        else:
            text = self._render_line_at(*self._visible_lines[y], y)
        strips = Visual.to_strips(self, text.truncate(width, ellipsis=True), width, 1, style)
        return strips[0].adjust_cell_length(width, style.rich_style)

    def _render_line_at(self, offset: int, line: str, y: int) -> Content:
        told = self.format_line(line).expandtabs(4)[self._horizontal_offset :]
        text = Content(told)
        if not self.highlighted_words:
            return text
        behind = self._visible_lines[y + 1][0] if y + 1 < len(self._visible_lines) else offset + len(line.encode()) + 1
        chosen = self.hit_offset is not None and offset <= self.hit_offset < behind
        low, needle, at = told.lower(), self.highlighted_words.lower(), -1
        while (at := low.find(needle, at + 1)) >= 0:
            text = text.stylize("reverse bold" if chosen else "reverse", at, at + len(needle))
        return text
