"""A file of any size, a screenful at a time: what is not in sight is not read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from ecotui.session.private_files import open_file

BLOCK = 1 << 16
"""Bytes read at once; a line longer than this is shown as several."""
SIDEWAYS = 20
"""Cells that one press of ← or → moves."""


class Pager(Widget, can_focus=True):
    """Lines from a byte of the file on. Says where it is whenever that changes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pager--line"}
    DEFAULT_CSS = """
    Pager { height: 1fr; background: $background; }
    Pager > .pager--line { color: $foreground; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j,enter", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("home", "go(0)", show=False),
        Binding("end", "end", show=False),
        Binding("left", "sideways(-1)", show=False),
        Binding("right", "sideways(1)", show=False),
    ]

    class Moved(Message):
        """Other lines are in sight."""

    def __init__(self, path: Path, shown: Callable[[str], str] = str, *, id: str | None = None) -> None:
        """`shown` makes of a line what is drawn of it."""
        super().__init__(id=id)
        self._path = path
        self.shown = shown
        self.top = 0
        """The byte of the first line in sight."""
        self.words = ""
        """What is marked, in any case."""
        self.hit: int | None = None
        """The byte of the place that was searched for last; its line is marked more."""
        self.trouble = ""
        self._left = 0
        self._lines: list[tuple[int, str]] = []

    def on_mount(self) -> None:
        self.call_after_refresh(self.load)

    def on_resize(self) -> None:
        self.load()

    @property
    def size_in_bytes(self) -> int:
        try:
            return self._path.lstat().st_size
        except OSError:
            return 0

    @property
    def bottom(self) -> int:
        """The byte behind the last line in sight."""
        if not self._lines:
            return self.top
        place, line = self._lines[-1]
        return place + len(line.encode()) + 1

    @property
    def text(self) -> str:
        """The lines in sight, as they were written."""
        return "\n".join(line for _, line in self._lines)

    def load(self) -> None:
        """Read what is in sight, and draw it."""
        rows = max(self.size.height, 1)
        found: list[tuple[int, str]] = []
        place = self.top
        while len(found) < rows:
            data = self._read(place, BLOCK)
            if not data:
                break
            pieces = data.split(b"\n")
            last = pieces.pop()
            if not pieces or (len(data) < BLOCK and last):
                pieces.append(last)  # a line longer than a block, or the end of the file
            for piece in pieces:
                found.append((place, piece.decode("utf-8", "replace")))
                place += len(piece) + 1
        self._lines = found[:rows]
        self.refresh()
        self.post_message(self.Moved())

    def _read(self, place: int, count: int) -> bytes:
        try:
            fd = open_file(self._path, os.O_RDONLY)
        except OSError as error:
            self.trouble = f"The output cannot be read: {error.strerror}"
            return b""
        try:
            return os.pread(fd, count, place)
        finally:
            os.close(fd)

    def _back(self, place: int, lines: int) -> int:
        """The byte where the line stands that is so many lines before a place."""
        while lines > 0 and place > 0:
            begin = max(place - BLOCK, 0)
            data = self._read(begin, place - begin)
            end = len(data) - 1  # the newline that ends the line before
            while lines > 0 and end >= 0:
                at = data.rfind(b"\n", 0, max(end, 0))
                if at < 0:
                    break
                place, end, lines = begin + at + 1, at, lines - 1
            else:
                continue
            if begin == 0:
                return 0
            if end == len(data) - 1:  # no line begins in a whole block
                place, lines = begin, lines - 1
        return place

    def show(self, place: int, *, above: int = 0) -> None:
        """Bring the line of a byte into sight, with so many lines above it."""
        place = max(min(place, self.size_in_bytes), 0)
        data = self._read(max(place - BLOCK, 0), min(BLOCK, place))
        begin = place - (len(data) - data.rfind(b"\n") - 1) if data else 0
        self.top = self._back(begin, above)
        self.load()

    def action_move(self, by: int) -> None:
        if by < 0:
            self.top = self._back(self.top, -by)
        elif len(self._lines) > by and self._more:
            self.top = self._lines[by][0]
        self.load()

    @property
    def _more(self) -> bool:
        """Whether there is anything below what is in sight."""
        return bool(self._lines) and self.bottom < self.size_in_bytes

    def action_page(self, by: int) -> None:
        rows = max(self.size.height - 1, 1)
        if by < 0:
            self.top = self._back(self.top, rows)
        elif len(self._lines) >= rows and self._more:
            self.top = self._lines[min(rows, len(self._lines) - 1)][0]
        self.load()

    def action_go(self, place: int) -> None:
        self.top = place
        self.load()

    def action_end(self) -> None:
        self.top = self._back(self.size_in_bytes, max(self.size.height, 1))
        self.load()

    def action_sideways(self, by: int) -> None:
        self._left = max(self._left + by * SIDEWAYS, 0)
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
        if y >= len(self._lines):
            text = Content.styled(self.trouble or "It wrote nothing.", "$foreground 62%")
            if y or self._lines:
                return Strip.blank(width, style.rich_style)
        else:
            text = self._line(*self._lines[y], y)
        strips = Visual.to_strips(self, text.truncate(width, ellipsis=True), width, 1, style)
        return strips[0].adjust_cell_length(width, style.rich_style)

    def _line(self, place: int, line: str, y: int) -> Content:
        told = self.shown(line).expandtabs(4)[self._left :]
        text = Content(told)
        if not self.words:
            return text
        behind = self._lines[y + 1][0] if y + 1 < len(self._lines) else place + len(line.encode()) + 1
        chosen = self.hit is not None and place <= self.hit < behind
        low, needle, at = told.lower(), self.words.lower(), -1
        while (at := low.find(needle, at + 1)) >= 0:
            text = text.stylize("reverse bold" if chosen else "reverse", at, at + len(needle))
        return text
