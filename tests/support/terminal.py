"""A program in a terminal of its own, seen as its operator sees it: what stands on the screen, and keys."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pexpect
import pyte

from support import ROOT

SETTLED = 0.15
"""Seconds without a byte after which a screen is taken for painted: frames come twenty times a second."""


MOVES = 1.0
"""Seconds after which a screen that does not settle is taken as it is."""
ANSWERS = 5.0
"""Seconds in which a key shows something, on a machine that is busy; one that shows nothing costs them."""


class Terminal:
    """`ecotui`, or another command line, in a pty whose screen is kept."""

    def __init__(self, cwd: Path, env: Mapping[str, str], *words: str, lines: int = 36, columns: int = 120) -> None:
        command, *arguments = words or (sys.executable, "-P", "-m", "ecotui")
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        own = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        self.child = pexpect.spawn(command, arguments, cwd=str(cwd), env={**env, **own}, dimensions=(lines, columns))  # type: ignore[arg-type]

    @property
    def text(self) -> str:
        """What is on the screen now, a line each."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float = 0.0) -> bool:
        """Take in what was written; whether there was anything within so many seconds."""
        try:
            read = self.child.read_nonblocking(1 << 16, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self._stream.feed(read)
        return True

    def until(self, pattern: str, seconds: float = 60.0) -> re.Match[str]:
        """Wait until the screen shows it. Its failure shows the screen."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text)
            if found:
                self._settle()
                return re.search(pattern, self.text) or found
            assert time.monotonic() < deadline, f"{pattern!r} was not seen in {seconds:.0f} s:\n{self.text}"
            assert self.read(0.5) or self.child.isalive(), f"it ended before {pattern!r}:\n{self.text}"

    def _settle(self) -> None:
        """Take in the rest of a frame; where something moves all the time, not for long."""
        until = time.monotonic() + MOVES
        while self.read(SETTLED) and time.monotonic() < until:
            pass

    def press(self, *keys: str) -> None:
        """Keys one after the other, each seen to its end: what is on the screen is never that of the key before."""
        for key in keys:
            self.child.send(NAMED.get(key, key))
            self.read(ANSWERS)
            self._settle()

    def close(self) -> None:
        """Killed, if it still lives."""
        with suppress(OSError):
            self.child.kill(SIGKILL)
        with suppress(OSError, pexpect.ExceptionPexpect):
            self.child.close(force=True)


NAMED = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pagedown": "\x1b[6~",
    "tab": "\t",
    "enter": "\r",
    "escape": "\x1b",
}
"""Keys that have a name, as xterm sends them."""
