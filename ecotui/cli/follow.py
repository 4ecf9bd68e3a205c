"""Follows a command to its end: its lines as they come, and Ctrl-C passed on. What is printed is the handler's."""

from __future__ import annotations

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from ecotui.supervisor.running import RunningCommand

Result = TypeVar("Result")

POLL_SECONDS = 0.2
"""Seconds between two reads of the output."""
MAX_LINES_PER_READ = 5_000
"""Lines that are handled at once."""


class OutputHandler(ABC):
    """Prints the output of one kind of command, for a person or for a screen."""

    INTERRUPT_NOTICE: ClassVar[str]
    """Printed at the first Ctrl-C."""
    FORCE_NOTICE: ClassVar[str]
    """Printed at a later one, which ends the command by force."""

    @abstractmethod
    def print_line(self, text: str) -> None:
        """Print a line of ours."""

    @abstractmethod
    def handle_lines(self, lines: list[str]) -> None:
        """Lines came."""

    @abstractmethod
    def handle_idle(self) -> None:
        """None came for now."""

    @abstractmethod
    def finish(self, outcome: str, message: str) -> int:
        """The command is over; the exit code of ours. `outcome` as in `CommandStatus`."""

    def confirm_force(self) -> bool:
        """Whether the operator wants the command ended by force."""
        return True


class CommandFollower:
    """Reads the output of one command until it is over."""

    def __init__(self, running: RunningCommand, handler: OutputHandler) -> None:
        self._running = running
        self._handler = handler
        self._interrupt_count = 0
        self._handled_interrupt_count = 0

    def follow(self) -> int:
        """Until the command is over; the exit code of ours."""
        before = signal.signal(signal.SIGINT, self._count_interrupt)
        try:
            self._running.start()
            while True:
                self._handle_interrupts()
                now = self._running.status()
                lines = self._running.read_lines(MAX_LINES_PER_READ)
                if lines:
                    self._print(partial(self._handler.handle_lines, lines))
                elif now.state == "running":
                    self._print(self._handler.handle_idle)
                    time.sleep(POLL_SECONDS)
                elif self._interrupt_count == self._handled_interrupt_count:
                    break
            outcome = "interrupted" if self._interrupt_count and now.outcome == "killed" else now.outcome
            code = self._print(lambda: self._handler.finish(outcome, now.message))
            return self._handler.finish(outcome, now.message) if code is None else code
        finally:
            signal.signal(signal.SIGINT, before)

    def _print(self, action: Callable[[], Result]) -> Result | None:
        """Run something that prints. A plain child is followed to its end although nobody reads us any more; then None."""
        try:
            return action()
        except BrokenPipeError:
            if not self._running.ends_with_us:
                raise
            devnull = os.open(os.devnull, os.O_WRONLY)
            for fd in (1, 2):
                os.dup2(devnull, fd)
            return None

    def _count_interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupt_count += 1

    def _handle_interrupts(self) -> None:
        """Ask the command to end the first time, make it end after that."""
        if self._interrupt_count == self._handled_interrupt_count:
            return
        force, self._handled_interrupt_count = self._handled_interrupt_count > 0, self._interrupt_count
        if force and not self._handler.confirm_force():
            return
        self._running.interrupt(force=force)
        self._print(
            lambda: self._handler.print_line(self._handler.FORCE_NOTICE if force else self._handler.INTERRUPT_NOTICE)
        )
