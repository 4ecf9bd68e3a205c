"""The buckets that recorded commands deleted: the cleanup's own deletions, and what terraform destroyed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checks.remembered import Deleted
from ecotui.history.apply_streams import BYTES, Reading, is_stream
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.store import Store
from ecotui.supervisor.commands import Command, commands, status
from ecotui.supervisor.paths import OUTPUT

SESSIONS = 40
"""Sessions that are looked through, newest first; one that ended before is passed over at the price of its summary."""
_BUCKET = "s3-bucket:"
"""How the cleanup's keys of buckets begin."""


def deleted(shelf: Store, since: float) -> list[Deleted]:
    """What went since then (seconds since the epoch), in whichever project. What cannot be read is passed over: CloudTrail
    is asked as well. Each has the time of its command's end, the latest that it can be."""
    found: list[Deleted] = []
    left = BYTES
    try:
        summaries = shelf.list(SESSIONS)
    except SessionError:
        return []
    for summary in summaries:
        if summary.ended is not None and summary.ended < since:
            continue
        try:
            told = commands(Session(shelf.folder / summary.id))
        except (SessionError, OSError):
            continue
        for command in told:
            log = command.folder / OUTPUT
            names = _cleaned if _is_cleanup(command) else _destroyed if is_stream(command) else None
            if names is None or left <= 0:
                continue
            try:
                at = status(command.folder).ended or log.stat().st_mtime
            except OSError:
                continue
            if at < since:
                continue
            reading = Reading(log, left)
            found += [Deleted(name=name, at=at) for name in names(reading.lines())]
            left -= reading.bytes
    return found


def _is_cleanup(command: Command) -> bool:
    return command.argv[:2] == ("ecotui", "cleanup") and "--delete" in command.argv


def _cleaned(lines: Iterator[bytes]) -> Iterator[str]:
    """`already gone` went at another time; it may be years ago."""
    for line in lines:
        said = _plain(line) if b'"gone"' in line else {}
        item = said.get("item")
        if isinstance(item, str) and item.startswith(_BUCKET) and said.get("message") == "gone":
            yield item.removeprefix(_BUCKET)


def _destroyed(lines: Iterator[bytes]) -> Iterator[str]:
    """Of a deletion terraform tells the id when it begins, and only the address when it is through."""
    begun: dict[str, str] = {}
    for line in lines:
        hook = (_plain(line).get("hook") or {}) if b"aws_s3_bucket" in line and b'"delete"' in line else {}
        resource = hook.get("resource") or {}
        if resource.get("resource_type") != "aws_s3_bucket" or hook.get("action") != "delete":
            continue
        kind, address = _plain(line).get("type"), str(resource.get("addr"))
        if kind == "apply_start":
            begun[address] = str(hook.get("id_value") or "")
        elif kind == "apply_complete" and begun.get(address):
            yield begun[address]


def _plain(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
