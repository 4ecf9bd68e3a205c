"""What a session's commands said, for whoever reads it: the last lines, and when each part was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ecotui.session.event_text import Asked
from ecotui.session.log import Session
from ecotui.supervisor import commands
from ecotui.supervisor.output_times import Written
from ecotui.supervisor.paths import OUTPUT, TIMES
from ecotui.supervisor.tail import Tail


def folder(session: Session, command: str) -> Path | None:
    """The folder of a command; None for a name that is not one of this session's (a log is text from outside)."""
    if not command or "/" in command or command.startswith("."):
        return None
    path = session.commands / command
    return path if path.is_dir() and not path.is_symlink() else None


def last_lines(session: Session) -> Callable[[str, int], Sequence[str]]:
    """Gives the last so many lines that a command said, by its id; none for what is no command."""

    def output(command: str, lines: int) -> Sequence[str]:
        there = folder(session, command)
        if there is None:
            return []
        tail = Tail(there)
        tail.seek_end(lines)
        return tail.read(lines)

    return output


def asked(session: Session) -> Callable[[str], Asked | None]:
    """Tells what a command was asked to do, from its folder: for a log that is read from its end."""

    def known(command: str) -> Asked | None:
        there = folder(session, command)
        found = commands.load(there) if there is not None else None
        return None if found is None else Asked(found.title, found.argv, found.step, found.started)

    return known


def written(session: Session, command: str, began: float, ended: float) -> tuple[Written, bool]:
    """When a command wrote what, and whether that is known; otherwise it is spread evenly over its time."""
    there = session.commands / command
    found = Written.read(there / TIMES, there / OUTPUT)
    if found.begins or not found.size:
        return found, True
    return Written.spread(there / OUTPUT, began, max(ended, began)), False
