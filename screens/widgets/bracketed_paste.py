"""Bracketed pastes taken whole from the terminal: of any size at once, and with the control sequences in them.

Textual reads a paste sign by sign, which takes a minute for 5 MB, and takes the colour codes in it for keys that were
pressed: text pasted by tmux or screen has them. Here everything between the two brackets is one event, and what is in
it is cleaned where it is used.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"
MAX_PASTE_CHARS = 64_000_000
"""Characters of a paste that are kept, its last ones: a terminal that never closes the bracket must not fill the memory."""


class BracketedPasteParser(XTermParser):
    """The parser of what the terminal sends, with pastes taken out before it."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._paste_parts: list[str] | None = None
        """What came of a paste that is not at its end."""
        self._paste_size = 0

    def feed(self, data: str) -> Iterable[Message]:
        """Events for what the terminal sent; a paste is told when its end is there."""
        if not data:
            yield from super().feed(data)
            return
        while data:
            if self._paste_parts is None:
                before, bracket, data = data.partition(PASTE_START)
                if before:
                    yield from super().feed(before)
                if not bracket:
                    return
                self._paste_parts, self._paste_size = [], 0
            # The closing bracket may come in two pieces.
            tail = self._paste_parts.pop() if self._paste_parts else ""
            text, bracket, data = (tail + data).partition(PASTE_END)
            self._append_paste(text)
            if not bracket:
                return
            pasted, self._paste_parts = "".join(self._paste_parts), None
            yield events.Paste(pasted.replace("\x00", ""))

    def _append_paste(self, text: str) -> None:
        assert self._paste_parts is not None
        cut = max(len(text) - len(PASTE_END), 0)
        self._paste_parts += [text[:cut], text[cut:]]
        self._paste_size += cut
        while self._paste_size > MAX_PASTE_CHARS:
            self._paste_size -= len(self._paste_parts.pop(0))


class BracketedPasteDriver(linux_driver.LinuxDriver):
    """Textual's driver, reading with the parser above, and going on only after it was stopped."""

    def _sigcont_application(self, *_: object) -> None:
        # A session whose terminal goes is sent SIGHUP and then SIGCONT: beginning to write anew, to nobody, would leave
        # the program waiting for ever. The flag is set when Ctrl-Z stops us.
        if self._must_signal_resume:
            super()._sigcont_application()

    def write(self, data: str) -> None:
        # The thread that writes ends with the terminal. Its queue is bounded: to go on writing would wait for ever.
        if self._writer_thread is None or self._writer_thread.is_alive():
            super().write(data)

    def run_input_thread(self) -> None:
        # The inherited loop makes its parser by this name. Textual is pinned, and a test holds that it still does.
        vars(linux_driver)["XTermParser"] = BracketedPasteParser
        super().run_input_thread()
