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

BEGIN, END = "\x1b[200~", "\x1b[201~"
LARGEST = 64_000_000
"""Characters of a paste that are kept, its last ones: a terminal that never closes the bracket must not fill the memory."""


class WholePastes(XTermParser):
    """The parser of what the terminal sends, with pastes taken out before it."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._parts: list[str] | None = None
        """What came of a paste that is not at its end."""
        self._size = 0

    def feed(self, data: str) -> Iterable[Message]:
        """Events for what the terminal sent; a paste is told when its end is there."""
        if not data:
            yield from super().feed(data)
            return
        while data:
            if self._parts is None:
                before, bracket, data = data.partition(BEGIN)
                if before:
                    yield from super().feed(before)
                if not bracket:
                    return
                self._parts, self._size = [], 0
            # The closing bracket may come in two pieces.
            tail = self._parts.pop() if self._parts else ""
            text, bracket, data = (tail + data).partition(END)
            self._keep(text)
            if not bracket:
                return
            pasted, self._parts = "".join(self._parts), None
            yield events.Paste(pasted.replace("\x00", ""))

    def _keep(self, text: str) -> None:
        assert self._parts is not None
        cut = max(len(text) - len(END), 0)
        self._parts += [text[:cut], text[cut:]]
        self._size += cut
        while self._size > LARGEST:
            self._size -= len(self._parts.pop(0))


class PastingDriver(linux_driver.LinuxDriver):
    """Textual's driver, reading with the parser above, and going on only after it was stopped."""

    def _sigcont_application(self, *_: object) -> None:
        # A session whose terminal goes is sent SIGHUP and then SIGCONT: beginning to write anew, to nobody, would leave
        # the program waiting for ever. The flag is set when Ctrl-Z stops us.
        if self._must_signal_resume:
            super()._sigcont_application()

    def run_input_thread(self) -> None:
        # The inherited loop makes its parser by this name. Textual is pinned, and a test holds that it still does.
        vars(linux_driver)["XTermParser"] = WholePastes
        super().run_input_thread()
