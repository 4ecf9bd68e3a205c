"""The outputs of a session's commands: their last lines, and when each part was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ecotui.session.event_text import CommandRequest
from ecotui.session.log import Session
from ecotui.supervisor import commands
from ecotui.supervisor.output_times import OutputTimes
from ecotui.supervisor.paths import OUTPUT_LOG, OUTPUT_TIMES_FILE
from ecotui.supervisor.tail import Tail


def find_command_folder(session: Session, command: str) -> Path | None:
    """The folder of a command; None for a name that is not one of this session's (a log is text from outside)."""
    if not command or "/" in command or command.startswith("."):
        return None
    path = session.commands_folder / command
    return path if path.is_dir() and not path.is_symlink() else None


def last_lines_reader(session: Session) -> Callable[[str, int], Sequence[str]]:
    """A function that takes a command's id and a number, and gives the last lines of its output."""

    def read(command: str, lines: int) -> Sequence[str]:
        folder = find_command_folder(session, command)
        if folder is None:
            return []
        tail = Tail(folder)
        tail.seek_end(lines)
        return tail.read(lines)

    return read


def command_request_reader(session: Session) -> Callable[[str], CommandRequest | None]:
    """A function that reads a command's request from its folder: for a log that is read from its end."""

    def read(command: str) -> CommandRequest | None:
        folder = find_command_folder(session, command)
        stored = commands.read_command(folder) if folder is not None else None
        return None if stored is None else CommandRequest(stored.title, stored.argv, stored.step, stored.started)

    return read


def read_output_times(session: Session, command: str, start_time: float, end_time: float) -> tuple[OutputTimes, bool]:
    """When each part of an output was written, and whether that is known; otherwise it is spread evenly."""
    folder = session.commands_folder / command
    times = OutputTimes.read(folder / OUTPUT_TIMES_FILE, folder / OUTPUT_LOG)
    if times.offsets or not times.size:
        return times, True
    return OutputTimes.spread_evenly(folder / OUTPUT_LOG, start_time, max(end_time, start_time)), False
