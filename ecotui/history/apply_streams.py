"""The recorded output of earlier applies: found among the sessions, and how long each resource took in them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from checks.apply.durations import DurationStats
from checks.apply.run.duration_history import DurationHistory
from ecotui.session import SessionError
from ecotui.session.log import Session, SessionSummary
from ecotui.session.private_files import open_private_file
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import Command, list_commands
from ecotui.supervisor.paths import OUTPUT_LOG

MAX_SESSIONS_FOR_DURATIONS = 40
"""The newest sessions, of which the applies are read."""
MAX_LOG_BYTES = 64_000_000
"""Bytes of output that are read in all: a third of a second."""


def is_apply_stream(command: Command) -> bool:
    """Whether the output of this command is the JSON stream of an apply: terraform's own, or that of an `ecotui apply`.

    Only an `ecotui apply` that ran terraform as its child has a workspace. One of an earlier version ran it as a
    command of its own, which stands beside it in the session.
    """
    if command.argv[:2] == ("ecotui", "apply"):
        return bool(command.target.workspace)
    return "-json" in command.argv and "apply" in command.argv[1:4] and command.argv[0] != "ecotui"


def iterate_commands(
    store: SessionStore, max_sessions: int, project: Path | None = None
) -> Iterator[tuple[SessionSummary, Command]]:
    """The commands of the newest sessions (of one project folder), newest first; unreadable sessions are left out.

    Raises SessionError when the sessions cannot be listed.
    """
    for summary in store.list_summaries(max_sessions):
        if project is not None and summary.folder != str(project):
            continue
        with suppress(SessionError, OSError):
            for command in reversed(list_commands(Session(store.folder / summary.id))):
                yield summary, command


class BoundedLogReader:
    """Reads the outputs of commands, of all together no more than a number of bytes."""

    def __init__(self, max_bytes: int = MAX_LOG_BYTES) -> None:
        self._remaining_bytes = max_bytes

    def lines(self, command: Command) -> Iterator[bytes]:
        """The lines of an output; none where it cannot be read, and once the bytes are used up."""
        try:
            with os.fdopen(open_private_file(command.folder / OUTPUT_LOG, os.O_RDONLY), "rb") as stream:
                for line in stream if self._remaining_bytes > 0 else ():
                    self._remaining_bytes -= len(line)
                    if self._remaining_bytes < 0:
                        return
                    yield line
        except OSError:
            return


def read_duration_stats(
    store: SessionStore, project: Path, addresses: Collection[str], *, parallelism: int = 10, excluded_command: str = ""
) -> DurationStats:
    """How long earlier applies took for these addresses. Unreadable ones are left out: this is only an estimate.

    `excluded_command`: the id of the command that is being followed.
    """
    history, reader = DurationHistory(), BoundedLogReader()
    with suppress(SessionError):
        for summary, command in iterate_commands(store, MAX_SESSIONS_FOR_DURATIONS):
            if command.id != excluded_command and is_apply_stream(command):
                history.add_run(reader.lines(command), same_project=summary.folder == str(project))
    return history.stats(addresses, parallelism=parallelism)
