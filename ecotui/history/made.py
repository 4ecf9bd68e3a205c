"""What the recorded applies of a project created: read out of their streams, with where they worked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from checks.apply.durations import parse_resource_type
from checks.apply.run.stream import ApplyStreamReader
from checks.remembered import CreatedResource
from ecotui.history.apply_streams import MAX_LOG_BYTES, BoundedLogReader, is_apply_stream
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import Command, list_commands, read_command_status
from ecotui.supervisor.paths import OUTPUT_LOG

MAX_SESSIONS_FOR_CREATIONS = 200
"""Sessions that are looked through, newest first: a leftover may be months old."""


def find_created_resources(session_store: SessionStore, project: Path) -> list[CreatedResource]:
    """What applies of this project folder created, the newest apply first. What cannot be read is passed over: then it
    is proof of nothing. A run that is still at work is left out: what it makes is not left over."""
    found: list[CreatedResource] = []
    left = MAX_LOG_BYTES
    try:
        summaries = session_store.list_summaries(MAX_SESSIONS_FOR_CREATIONS)
    except SessionError:
        return []
    for summary in summaries:
        if summary.folder != str(project):
            continue
        try:
            told = list_commands(Session(session_store.folder / summary.id))
        except (SessionError, OSError):
            continue
        for command in reversed(told):
            if not (is_apply_stream(command) and command.target.account and left > 0):
                continue
            if read_command_status(command.folder).state == "running":
                continue
            reading = BoundedLogReader(command.folder / OUTPUT_LOG, left)
            found += _resources_created_by(command, reading.lines())
            left -= reading.bytes_read
    return found


def _resources_created_by(command: Command, lines: Iterator[bytes]) -> list[CreatedResource]:
    progress = ApplyStreamReader()
    progress.feed(line.decode("utf-8", "replace").rstrip("\n") for line in lines)
    run = progress.snapshot()
    place = command.target
    return [
        CreatedResource(
            type=parse_resource_type(done.address),
            id=done.id,
            create_started=done.started_at,
            run_ended=max(done.ended_at, run.last_line_at),
            account=place.account,
            region=place.region,
            workspace=place.workspace,
            folder=command.cwd,
        )
        for done in run.finished_operations
        if done.action == "create" and done.id and done.started_at
    ]
