"""The output of a command, of any size: read, and searched forwards and backwards without blocking the screen."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from checks.size import format_size
from ecotui.history.text_search import TextMatch, search_backward, search_forward
from ecotui.session import SessionError
from ecotui.session.command_text import message_text
from ecotui.supervisor.commands import Command
from ecotui.supervisor.output_times import OutputTimes
from ecotui.supervisor.paths import OUTPUT_LOG, OUTPUT_TIMES_FILE
from screens.actions import bindings
from screens.project_screen import main_screen
from screens.sessions.base import SessionScreenBase
from screens.style.themes import MUTED
from screens.widgets.footer import KeyFooter
from screens.widgets.pager import Pager

CONTEXT_LINES = 4
"""Lines that are shown above a hit."""


class OutputScreen(SessionScreenBase):
    """Opens at the end, or at a hit of a search."""

    CSS_PATH = "detail.tcss"
    AUTO_FOCUS = "Pager"
    BINDINGS: ClassVar[list[BindingType]] = bindings("output")
    KEY_PLACES = ("output", "pager")

    class SearchFinished(Message):
        """A search has ended, perhaps without a hit."""

        def __init__(self, hit: TextMatch | None, error: str = "") -> None:
            super().__init__()
            self.hit = hit
            self.error = error

    class SearchProgressed(Message):
        """A search has reached an offset, in bytes."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, OutputScreen.SearchProgressed)

    def __init__(self, command: Command, *, offset: int | None = None, words: str = "") -> None:
        super().__init__()
        self.command = command
        self._path = command.folder / OUTPUT_LOG
        self._start_offset = offset
        self._search_words = words
        self._shows_raw = False
        self._search_status = ""
        self._output_times = OutputTimes.read(command.folder / OUTPUT_TIMES_FILE, self._path)

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                Content.styled("Output", "bold $text-accent"), f"  {self.command.step}: {self.command.title}"
            ),
            classes="header",
        )
        yield Pager(self._path, message_text)
        yield Input(placeholder="Words to search for", value=self._search_words, classes="search")
        yield Static(classes="position")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        pager = self.query_one(Pager)
        pager.highlighted_words = self._search_words
        if self._start_offset is None:
            self.call_after_refresh(pager.action_end)
        else:
            pager.hit_offset = self._start_offset
            self.call_after_refresh(pager.scroll_to_offset, self._start_offset, lines_above=CONTEXT_LINES)

    # -- the position --------------------------------------------------------------------------------------------

    @on(Pager.Scrolled)
    def _show_position(self) -> None:
        pager = self.query_one(Pager)
        size = pager.size_in_bytes
        parts = [f"{format_size(pager.top_offset)} of {format_size(size)}"]
        if size:
            parts.append(f"{min(100 * pager.bottom_offset // size, 100)}%")
        if (timestamp := self._output_times.time_of_byte(pager.top_offset)) is not None:
            parts.append(f"written {time.strftime('%H:%M:%S', time.localtime(timestamp))}")
        if self._search_words:
            parts.append(f"“{self._search_words}”{self._search_status and f': {self._search_status}'}")
        self.query_one(".position", Static).update(Content.styled("   ".join(parts), MUTED))

    # -- searching -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "search":
            return not isinstance(self.focused, Input)
        if action == "next_hit":
            return bool(self._search_words)
        return True

    def action_search(self) -> None:
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Submitted)
    def _start_search(self, event: Input.Submitted) -> None:
        self._search_words = event.value
        pager = self.query_one(Pager)
        pager.highlighted_words, pager.hit_offset = event.value, None
        self._leave_search()
        self.refresh_bindings()
        if event.value:
            self._search(event.value, pager.top_offset, 1)

    def _leave_search(self) -> None:
        self.query_one(Input).display = False
        self.query_one(Pager).focus()

    def action_next_hit(self, by: int) -> None:
        pager = self.query_one(Pager)
        offset = pager.top_offset if pager.hit_offset is None else pager.hit_offset
        self._search(self._search_words, offset + 1 if by > 0 else offset, by)

    @work(thread=True, exclusive=True, group="search", name="search", exit_on_error=False)
    def _search(self, words: str, offset: int, direction: int) -> None:
        worker = get_current_worker()

        def should_stop(position: int) -> bool:
            self.post_message(self.SearchProgressed(position))
            return worker.is_cancelled

        try:
            if direction > 0:
                hit = next(search_forward(self._path, words, start=offset, should_stop=should_stop), None)
            else:
                hit = search_backward(self._path, words, offset, should_stop=should_stop)
        except SessionError as error:
            self.post_message(self.SearchFinished(None, str(error)))
            return
        if not worker.is_cancelled:
            self.post_message(self.SearchFinished(hit))

    @on(SearchProgressed)
    def _show_search_progress(self, message: SearchProgressed) -> None:
        self._search_status = f"searching, {format_size(message.offset)}"
        self._show_position()

    @on(SearchFinished)
    def _show_search_result(self, message: SearchFinished) -> None:
        pager = self.query_one(Pager)
        if message.hit is None:
            self._search_status = message.error or ("not found" if pager.hit_offset is None else "no further hit")
            self._show_position()
            return
        self._search_status = ""
        pager.hit_offset = message.hit.offset
        pager.scroll_to_offset(message.hit.offset, lines_above=CONTEXT_LINES)

    # -- actions -------------------------------------------------------------------------------------------------

    def action_toggle_raw(self) -> None:
        self._shows_raw = not self._shows_raw
        pager = self.query_one(Pager)
        pager.format_line = str if self._shows_raw else message_text
        pager.refresh()

    def action_guide(self) -> None:
        from screens.messages import GuideRequested

        main_screen(self).post_message(GuideRequested(error=self.query_one(Pager).visible_text))

    def action_back(self) -> None:
        if isinstance(self.focused, Input):
            self._leave_search()
        else:
            self.dismiss(None)
