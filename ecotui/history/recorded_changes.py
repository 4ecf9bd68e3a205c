"""What recorded commands created and deleted in AWS: read from the output of applies and cleanups."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from checks.apply.durations import parse_resource_type
from checks.apply.run.stream import ApplyStreamReader
from checks.context import CreatedResource, DeletedBucket
from ecotui.history.apply_streams import BoundedLogReader, is_apply_stream, iterate_commands
from ecotui.session import SessionError
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import Command, read_command_status
from ecotui.supervisor.paths import OUTPUT_LOG

MAX_SESSIONS_FOR_CREATIONS = 200
"""The newest sessions, of which the applies are read: a leftover may be months old."""
MAX_SESSIONS_FOR_DELETIONS = 40
"""The same for deletions, of which only the last hours matter."""
_BUCKET_KEY_PREFIX = "s3-bucket:"
"""Prefix of the cleanup's keys of buckets."""


def find_created_resources(store: SessionStore, project: Path) -> list[CreatedResource]:
    """What applies of this project folder created, the newest apply first.

    An output that cannot be read proves nothing, and an apply that still runs is left out: its resources are no
    leftovers.
    """
    resources: list[CreatedResource] = []
    reader = BoundedLogReader()
    with suppress(SessionError):
        for _, command in iterate_commands(store, MAX_SESSIONS_FOR_CREATIONS, project):
            if not (is_apply_stream(command) and command.target.account):
                continue
            if read_command_status(command.folder).state != "running":
                resources += _resources_created_by(command, reader.lines(command))
    return resources


def _resources_created_by(command: Command, lines: Iterator[bytes]) -> list[CreatedResource]:
    stream = ApplyStreamReader()
    stream.feed(line.decode("utf-8", "replace").rstrip("\n") for line in lines)
    run = stream.snapshot()
    return [
        CreatedResource(
            type=parse_resource_type(operation.address),
            id=operation.id,
            create_started=operation.started_at,
            run_ended=max(operation.ended_at, run.last_line_at),
            account=command.target.account,
            region=command.target.region,
            workspace=command.target.workspace,
            folder=command.cwd,
        )
        for operation in run.finished_operations
        if operation.action == "create" and operation.id and operation.started_at
    ]


def find_deleted_buckets(store: SessionStore, since: float) -> list[DeletedBucket]:
    """The buckets that were deleted since then (seconds since the epoch), in whichever project.

    Each has the time at which its command ended, the latest that it can be. Unreadable outputs are left out: CloudTrail
    is asked as well.
    """
    buckets: list[DeletedBucket] = []
    reader = BoundedLogReader()
    with suppress(SessionError):
        for summary, command in iterate_commands(store, MAX_SESSIONS_FOR_DELETIONS):
            if summary.ended is not None and summary.ended < since:
                continue
            if (parse := _bucket_parser(command)) is None:
                continue
            try:
                ended = read_command_status(command.folder).ended or (command.folder / OUTPUT_LOG).stat().st_mtime
            except OSError:
                continue
            if ended >= since:
                buckets += [DeletedBucket(name=name, deleted_at=ended) for name in parse(reader.lines(command))]
    return buckets


def _bucket_parser(command: Command) -> Callable[[Iterator[bytes]], Iterator[str]] | None:
    if command.argv[:2] == ("ecotui", "cleanup") and "--delete" in command.argv:
        return _buckets_deleted_by_cleanup
    return _buckets_destroyed_by_terraform if is_apply_stream(command) else None


def _buckets_deleted_by_cleanup(lines: Iterator[bytes]) -> Iterator[str]:
    """A bucket that was `already gone` went at another time, which may be years ago."""
    for line in lines:
        event = _parse_json_object(line) if b'"gone"' in line else {}
        item = event.get("item")
        if isinstance(item, str) and item.startswith(_BUCKET_KEY_PREFIX) and event.get("message") == "gone":
            yield item.removeprefix(_BUCKET_KEY_PREFIX)


def _buckets_destroyed_by_terraform(lines: Iterator[bytes]) -> Iterator[str]:
    """terraform reports the id when a deletion begins, and only the address when it is complete."""
    ids: dict[str, str] = {}
    for line in lines:
        event = _parse_json_object(line) if b"aws_s3_bucket" in line and b'"delete"' in line else {}
        hook = event.get("hook") or {}
        resource = hook.get("resource") or {}
        if resource.get("resource_type") != "aws_s3_bucket" or hook.get("action") != "delete":
            continue
        address = str(resource.get("addr"))
        if event.get("type") == "apply_start":
            ids[address] = str(hook.get("id_value") or "")
        elif event.get("type") == "apply_complete" and ids.get(address):
            yield ids[address]


def _parse_json_object(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
