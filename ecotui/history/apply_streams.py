"""The recorded streams of earlier applies: found among the sessions, read for how long each resource took."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from checks.apply.run.durations import History, Times
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.private_files import open_file
from ecotui.session.store import Store
from ecotui.supervisor.commands import Command, commands
from ecotui.supervisor.paths import OUTPUT

SESSIONS = 40
"""Sessions that are looked through, newest first."""
BYTES = 64_000_000
"""Of their logs in all: a third of a second of reading."""


def is_stream(command: Command) -> bool:
    """Whether this command is a terraform of ours that applied, and told it in JSON lines."""
    return "-json" in command.argv and "apply" in command.argv[1:4] and command.argv[0] != "ecotui"


def usual_times(
    shelf: Store,
    project: Path,
    addresses: Collection[str],
    *,
    parallelism: int = 10,
    without: str = "",
) -> Times:
    """What earlier runs tell about these addresses. What cannot be read is passed over: it is only an estimate.

    `without`: the id of the command that is just being followed.
    """
    history = History()
    left = BYTES
    try:
        summaries = shelf.list(SESSIONS)
    except SessionError:
        summaries = []
    for summary in summaries:
        try:
            told = commands(Session(shelf.folder / summary.id))
        except (SessionError, OSError):
            continue
        for command in reversed(told):
            if command.id == without or not is_stream(command) or left <= 0:
                continue
            read = Reading(command.folder / OUTPUT, left)
            history.take(read.lines(), same_project=summary.folder == str(project))
            left -= read.bytes
    return history.times(addresses, parallelism=parallelism)


class Reading:
    """Reads a log to a limit, and counts."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self.bytes = 0

    def lines(self) -> Iterator[bytes]:
        import os

        try:
            with os.fdopen(open_file(self._path, os.O_RDONLY), "rb") as stream:
                for line in stream:
                    self.bytes += len(line)
                    if self.bytes > self._limit:
                        return
                    yield line
        except OSError:
            return
