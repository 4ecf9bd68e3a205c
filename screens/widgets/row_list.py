"""A list of one-line rows with a cursor, of which only those in sight are drawn: thousands cost what a screenful does."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from screens.actions import bindings


class RowList(ScrollView, can_focus=True):
    """Asks `draw(index, width)` for each row in sight; says where the cursor is, and what was chosen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--row", "row-list--cursor"}
    DEFAULT_CSS = """
    RowList { background: $background; overflow-x: hidden; overflow-y: auto; }
    RowList > .row-list--row { color: $foreground; background: $background; }
    RowList > .row-list--cursor { color: $foreground; background: $block-cursor-blurred-background; }
    RowList:focus > .row-list--cursor { background: $primary-muted; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("rows")

    cursor: reactive[int] = reactive(0)

    class RowHighlighted(Message):
        """The cursor stands on another row, or the rows are others."""

    class RowSelected(Message):
        """Enter, or a click on the row under the cursor."""

    def __init__(self, render_row: Callable[[int, int], Content], *, id: str) -> None:
        super().__init__(id=id)
        self._render_row = render_row
        self.row_count = 0

    def set_rows(self, count: int, cursor: int = 0) -> None:
        """There are `count` rows now, with the cursor on that one."""
        self.row_count = count
        self.virtual_size = Size(self.scrollable_content_region.width, count)
        self.set_reactive(RowList.cursor, max(0, min(cursor, count - 1)))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.RowHighlighted())

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self.row_count - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        for row in (before, now):
            self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))
        self._scroll_to_cursor()
        self.post_message(self.RowHighlighted())

    def _scroll_to_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True, immediate=True)

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        at = row == self.cursor and row < self.row_count
        style = self.get_visual_style("row-list--cursor" if at else "row-list--row")
        if row >= self.row_count:
            return Strip.blank(width, style.rich_style)
        content = self._render_row(row, width).truncate(width, ellipsis=True)
        strips = Visual.to_strips(self, content, width, 1, style)
        return strips[0].adjust_cell_length(width, style.rich_style)

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_page(self, by: int) -> None:
        self.cursor += by * max(self.size.height - 1, 1)

    def action_go(self, row: int) -> None:
        self.cursor = row if row >= 0 else self.row_count - 1

    def action_choose(self) -> None:
        if self.row_count:
            self.post_message(self.RowSelected())

    def on_click(self, event: events.Click) -> None:
        row = event.y + self.scroll_offset.y
        if row >= self.row_count:
            return
        again, self.cursor = row == self.cursor, row
        if again:
            self.action_choose()
