"""A command under the supervisor, attended to its end: its lines as they come, and Ctrl-C passed on."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ecotui.supervisor import Command

BEAT = 0.2
"""Seconds between two looks at the output."""


class Attendant:
    """Base of those who tell a command's output; what is told is the subclass's."""

    LINES: ClassVar[int] = 2_000
    """Lines that are taken at once."""
    LONGEST: ClassVar[int | None] = None
    """Bytes of a line that are given out; None: as many as a screen shows."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._interrupts = 0
        self._answered = 0

    def follow(self) -> int:
        """Until the command is over; the exit code of ours."""
        from ecotui.supervisor import Tail, status

        before = signal.signal(signal.SIGINT, self._interrupted)
        try:
            folder = self._command.folder
            tail = Tail(folder) if self.LONGEST is None else Tail(folder, longest=self.LONGEST)
            while True:
                now = status(folder)
                lines = tail.read(self.LINES)
                if lines:
                    self.take(lines)
                elif now.state != "running":
                    return self.conclude(now.outcome, now.message)
                else:
                    self.wait()
                    self._pass_on()
                    time.sleep(BEAT)
        finally:
            signal.signal(signal.SIGINT, before)

    def take(self, lines: list[str]) -> None:
        """Lines came."""
        raise NotImplementedError

    def wait(self) -> None:
        """None came for now."""
        raise NotImplementedError

    def interrupt(self, *, first: bool) -> None:
        """Ctrl-C: ask the command to end the first time, make it end after that."""
        raise NotImplementedError

    def conclude(self, outcome: str, message: str) -> int:
        """It is over; the exit code."""
        raise NotImplementedError

    def stopped(self, outcome: str) -> bool:
        """Whether it ended because we interrupted it."""
        return outcome == "interrupted" or (self._interrupts > 0 and outcome == "killed")

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1

    def _pass_on(self) -> None:
        if self._interrupts != self._answered:
            first, self._answered = self._answered == 0, self._interrupts
            self.interrupt(first=first)
