"""The buckets that recorded commands deleted: the cleanup's own deletions, and what terraform destroyed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checks.remembered import DeletedBucket
from ecotui.history.apply_streams import MAX_LOG_BYTES, BoundedLogReader, is_apply_stream
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import Command, list_commands, read_command_status
from ecotui.supervisor.paths import OUTPUT_LOG

MAX_SESSIONS_FOR_DELETIONS = 40
"""Sessions that are looked through, newest first; one that ended before is passed over at the price of its summary."""
_BUCKET_KEY_PREFIX = "s3-bucket:"
"""How the cleanup's keys of buckets begin."""


def find_deleted_buckets(session_store: SessionStore, since: float) -> list[DeletedBucket]:
    """What went since then (seconds since the epoch), in whichever project. What cannot be read is passed over: CloudTrail
    is asked as well. Each has the time of its command's end, the latest that it can be."""
    found: list[DeletedBucket] = []
    left = MAX_LOG_BYTES
    try:
        summaries = session_store.list_summaries(MAX_SESSIONS_FOR_DELETIONS)
    except SessionError:
        return []
    for summary in summaries:
        if summary.ended is not None and summary.ended < since:
            continue
        try:
            told = list_commands(Session(session_store.folder / summary.id))
        except (SessionError, OSError):
            continue
        for command in told:
            log = command.folder / OUTPUT_LOG
            names = (
                _buckets_deleted_by_cleanup
                if _is_cleanup(command)
                else _buckets_destroyed_by_terraform
                if is_apply_stream(command)
                else None
            )
            if names is None or left <= 0:
                continue
            try:
                at = read_command_status(command.folder).ended or log.stat().st_mtime
            except OSError:
                continue
            if at < since:
                continue
            reading = BoundedLogReader(log, left)
            found += [DeletedBucket(name=name, deleted_at=at) for name in names(reading.lines())]
            left -= reading.bytes_read
    return found


def _is_cleanup(command: Command) -> bool:
    return command.argv[:2] == ("ecotui", "cleanup") and "--delete" in command.argv


def _buckets_deleted_by_cleanup(lines: Iterator[bytes]) -> Iterator[str]:
    """`already gone` went at another time; it may be years ago."""
    for line in lines:
        said = _parse_json_object(line) if b'"gone"' in line else {}
        item = said.get("item")
        if isinstance(item, str) and item.startswith(_BUCKET_KEY_PREFIX) and said.get("message") == "gone":
            yield item.removeprefix(_BUCKET_KEY_PREFIX)


def _buckets_destroyed_by_terraform(lines: Iterator[bytes]) -> Iterator[str]:
    """Of a deletion terraform tells the id when it begins, and only the address when it is through."""
    begun: dict[str, str] = {}
    for line in lines:
        hook = (_parse_json_object(line).get("hook") or {}) if b"aws_s3_bucket" in line and b'"delete"' in line else {}
        resource = hook.get("resource") or {}
        if resource.get("resource_type") != "aws_s3_bucket" or hook.get("action") != "delete":
            continue
        kind, address = _parse_json_object(line).get("type"), str(resource.get("addr"))
        if kind == "apply_start":
            begun[address] = str(hook.get("id_value") or "")
        elif kind == "apply_complete" and begun.get(address):
            yield begun[address]


def _parse_json_object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
