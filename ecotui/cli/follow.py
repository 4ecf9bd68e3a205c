"""A command under the supervisor, attended to its end: its lines as they come, and Ctrl-C passed on."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ecotui.supervisor import Command

POLL_SECONDS = 0.2
"""Seconds between two looks at the output."""


class CommandFollower:
    """Base of those who tell a command's output; what is told is the subclass's."""

    MAX_LINES_PER_READ: ClassVar[int] = 2_000
    """Lines that are taken at once."""
    MAX_LINE_BYTES: ClassVar[int | None] = None
    """Bytes of a line that are given out; None: as many as a screen shows."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._interrupt_count = 0
        self._forwarded_count = 0

    def follow(self) -> int:
        """Until the command is over; the exit code of ours."""
        from ecotui.supervisor import Tail, read_command_status

        before = signal.signal(signal.SIGINT, self._count_interrupt)
        try:
            folder = self._command.folder
            tail = Tail(folder) if self.MAX_LINE_BYTES is None else Tail(folder, max_line_bytes=self.MAX_LINE_BYTES)
            while True:
                now = read_command_status(folder)
                lines = tail.read(self.MAX_LINES_PER_READ)
                if lines:
                    self.handle_lines(lines)
                elif now.state != "running":
                    return self.finish(now.outcome, now.message)
                else:
                    self.handle_idle()
                    self._forward_interrupts()
                    time.sleep(POLL_SECONDS)
        finally:
            signal.signal(signal.SIGINT, before)

    def handle_lines(self, lines: list[str]) -> None:
        """Lines came."""
        raise NotImplementedError

    def handle_idle(self) -> None:
        """None came for now."""
        raise NotImplementedError

    def interrupt(self, *, first: bool) -> None:
        """Ctrl-C: ask the command to end the first time, make it end after that."""
        raise NotImplementedError

    def finish(self, outcome: str, message: str) -> int:
        """It is over; the exit code."""
        raise NotImplementedError

    def was_interrupted(self, outcome: str) -> bool:
        """Whether it ended because we interrupted it."""
        return outcome == "interrupted" or (self._interrupt_count > 0 and outcome == "killed")

    def _count_interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupt_count += 1

    def _forward_interrupts(self) -> None:
        if self._interrupt_count != self._forwarded_count:
            first, self._forwarded_count = self._forwarded_count == 0, self._interrupt_count
            self.interrupt(first=first)
