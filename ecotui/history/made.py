"""What the recorded applies of a project created: read out of their streams, with where they worked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from checks.apply.run.durations import type_of
from checks.apply.run.stream import Progress
from checks.remembered import Made
from ecotui.history.apply_streams import BYTES, Reading, is_stream
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.store import Store
from ecotui.supervisor.commands import Command, commands, status
from ecotui.supervisor.paths import OUTPUT

SESSIONS = 200
"""Sessions that are looked through, newest first: a leftover may be months old."""


def made(shelf: Store, project: Path) -> list[Made]:
    """What applies of this project folder created, the newest apply first. What cannot be read is passed over: then it
    is proof of nothing. A run that is still at work is left out: what it makes is not left over."""
    found: list[Made] = []
    left = BYTES
    try:
        summaries = shelf.list(SESSIONS)
    except SessionError:
        return []
    for summary in summaries:
        if summary.folder != str(project):
            continue
        try:
            told = commands(Session(shelf.folder / summary.id))
        except (SessionError, OSError):
            continue
        for command in reversed(told):
            if not (is_stream(command) and command.place.account and left > 0):
                continue
            if status(command.folder).state == "running":
                continue
            reading = Reading(command.folder / OUTPUT, left)
            found += _created(command, reading.lines())
            left -= reading.bytes
    return found


def _created(command: Command, lines: Iterator[bytes]) -> list[Made]:
    progress = Progress()
    progress.feed(line.decode("utf-8", "replace").rstrip("\n") for line in lines)
    run = progress.snapshot()
    place = command.place
    return [
        Made(
            type=type_of(done.address),
            id=done.id,
            begun=done.started,
            ended=max(done.ended, run.last),
            account=place.account,
            region=place.region,
            workspace=place.workspace,
            folder=command.cwd,
        )
        for done in run.finished
        if done.action == "create" and done.id and done.started
    ]
