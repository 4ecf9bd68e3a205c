"""The recorded streams of earlier applies: found among the sessions, read for how long each resource took."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from checks.apply.durations import DurationHistory, DurationStats
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.private_files import open_private_file
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import Command, list_commands
from ecotui.supervisor.paths import OUTPUT_LOG

MAX_SESSIONS_FOR_DURATIONS = 40
"""Sessions that are looked through, newest first."""
MAX_LOG_BYTES = 64_000_000
"""Of their logs in all: a third of a second of reading."""


def is_apply_stream(command: Command) -> bool:
    """Whether this command is a terraform of ours that applied, and told it in JSON lines."""
    return "-json" in command.argv and "apply" in command.argv[1:4] and command.argv[0] != "ecotui"


def read_duration_stats(
    session_store: SessionStore,
    project: Path,
    addresses: Collection[str],
    *,
    parallelism: int = 10,
    excluded_command: str = "",
) -> DurationStats:
    """What earlier runs tell about these addresses. What cannot be read is passed over: it is only an estimate.

    `without`: the id of the command that is just being followed.
    """
    history = DurationHistory()
    left = MAX_LOG_BYTES
    try:
        summaries = session_store.list_summaries(MAX_SESSIONS_FOR_DURATIONS)
    except SessionError:
        summaries = []
    for summary in summaries:
        try:
            told = list_commands(Session(session_store.folder / summary.id))
        except (SessionError, OSError):
            continue
        for command in reversed(told):
            if command.id == excluded_command or not is_apply_stream(command) or left <= 0:
                continue
            read = BoundedLogReader(command.folder / OUTPUT_LOG, left)
            history.add_run(read.lines(), same_project=summary.folder == str(project))
            left -= read.bytes_read
    return history.stats(addresses, parallelism=parallelism)


class BoundedLogReader:
    """Reads a log to a limit, and counts."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._max_bytes = limit
        self.bytes_read = 0

    def lines(self) -> Iterator[bytes]:
        import os

        try:
            with os.fdopen(open_private_file(self._path, os.O_RDONLY), "rb") as stream:
                for line in stream:
                    self.bytes_read += len(line)
                    if self.bytes_read > self._max_bytes:
                        return
                    yield line
        except OSError:
            return
