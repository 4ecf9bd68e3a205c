"""What one command of a session said, of any size: read, and searched forwards and backwards without holding up the screen."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from ecotui.history.text_search import Hit, find, find_back
from ecotui.session import SessionError
from ecotui.session.readable import readable
from ecotui.supervisor.commands import Command
from ecotui.supervisor.output_times import Written
from ecotui.supervisor.paths import OUTPUT, TIMES
from screens.sessions.base import PastScreen
from screens.widgets.footer import KeyBar
from screens.widgets.pager import Pager

ABOVE = 4
"""Lines that are shown above a place that was searched for."""


class OutputScreen(PastScreen):
    """Opens at the end, or at a hit of a search."""

    CSS_PATH = "detail.tcss"
    AUTO_FOCUS = "Pager"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("n", "next(1)", "Next hit"),
        Binding("N", "next(-1)", "Previous hit"),
        Binding("x", "raw", "Raw / readable", tooltip="Lines as they were written, or their message"),
        Binding("g", "guide", "What explains this?", tooltip="Look the lines in sight up in the guide"),
        Binding("escape,q", "back", "Back"),
    ]

    MORE = (
        ("↑ ↓ or k j", "a line; Page up, Page down and Space: a page"),
        ("Home, End", "the beginning, the end"),
        ("← →", "sideways, for long lines"),
    )

    class Found(Message):
        """A search has ended; without a hit when there is none in that direction."""

        def __init__(self, hit: Hit | None, trouble: str = "") -> None:
            super().__init__()
            self.hit = hit
            self.trouble = trouble

    class Looking(Message):
        """A search has come so far, in bytes."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, OutputScreen.Looking)

    def __init__(self, command: Command, *, at: int | None = None, words: str = "") -> None:
        super().__init__()
        self.command = command
        self._path = command.folder / OUTPUT
        self._at = at
        self._words = words
        self._raw = False
        self._said = ""
        self._written = Written.read(command.folder / TIMES, self._path)

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                Content.styled("Output", "bold $text-accent"), f"  {self.command.step}: {self.command.title}"
            ),
            classes="head",
        )
        yield Pager(self._path, readable)
        yield Input(placeholder="Words to search for", value=self._words, classes="search")
        yield Static(classes="place")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        pager = self.query_one(Pager)
        pager.words = self._words
        if self._at is None:
            self.call_after_refresh(pager.action_end)
        else:
            pager.hit = self._at
            self.call_after_refresh(pager.show, self._at, above=ABOVE)

    # -- where one is --------------------------------------------------------------------------------------------

    @on(Pager.Moved)
    def _moved(self) -> None:
        pager = self.query_one(Pager)
        size = pager.size_in_bytes
        parts = [f"{bytes_told(pager.top)} of {bytes_told(size)}"]
        if size:
            parts.append(f"{min(100 * pager.bottom // size, 100)}%")
        if (at := self._written.at(pager.top)) is not None:
            parts.append(f"written {time.strftime('%H:%M:%S', time.localtime(at))}")
        if self._words:
            parts.append(f"“{self._words}”{self._said and f': {self._said}'}")
        self.query_one(".place", Static).update(Content.styled("   ".join(parts), "$foreground 62%"))

    # -- searching -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "search":
            return not isinstance(self.focused, Input)
        if action == "next":
            return bool(self._words)
        return True

    def action_search(self) -> None:
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self._words = event.value
        pager = self.query_one(Pager)
        pager.words, pager.hit = event.value, None
        self._leave_field()
        self.refresh_bindings()
        if event.value:
            self._search(event.value, pager.top, 1)

    def _leave_field(self) -> None:
        self.query_one(Input).display = False
        self.query_one(Pager).focus()

    def action_next(self, by: int) -> None:
        pager = self.query_one(Pager)
        place = pager.top if pager.hit is None else pager.hit
        self._search(self._words, place + 1 if by > 0 else place, by)

    @work(thread=True, exclusive=True, group="search", name="search", exit_on_error=False)
    def _search(self, words: str, place: int, by: int) -> None:
        worker = get_current_worker()

        def stop(place: int) -> bool:
            self.post_message(self.Looking(place))
            return worker.is_cancelled

        try:
            if by > 0:
                hit = next(find(self._path, words, start=place, stop=stop), None)
            else:
                hit = find_back(self._path, words, place, stop=stop)
        except SessionError as error:
            self.post_message(self.Found(None, str(error)))
            return
        if not worker.is_cancelled:
            self.post_message(self.Found(hit))

    @on(Looking)
    def _looking(self, news: Looking) -> None:
        self._said = f"searching, {bytes_told(news.place)}"
        self._moved()

    @on(Found)
    def _found(self, news: Found) -> None:
        pager = self.query_one(Pager)
        if news.hit is None:
            self._said = news.trouble or ("not found" if pager.hit is None else "no further hit")
            self._moved()
            return
        self._said = ""
        pager.hit = news.hit.offset
        pager.show(news.hit.offset, above=ABOVE)

    # -- the rest ------------------------------------------------------------------------------------------------

    def action_raw(self) -> None:
        self._raw = not self._raw
        pager = self.query_one(Pager)
        pager.shown = str if self._raw else readable
        pager.refresh()

    def action_guide(self) -> None:
        from screens.messages import GuideWanted

        self.app.screen_stack[0].post_message(GuideWanted(error=self.query_one(Pager).text))

    def action_back(self) -> None:
        if isinstance(self.focused, Input):
            self._leave_field()
        else:
            self.dismiss(None)


def bytes_told(size: int) -> str:
    """A number of bytes as people say it."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.2f} GB"
