"""Summaries of sessions that machines share: one small object each, written by the machine that has the session.

What is written is the summary as it stands in the state folder, where everything was masked already, and masked once
more with this machine's own secrets.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec

from checks.aws.object_store import ObjectStore
from checks.sanitize import one_line
from ecotui.redact.redactor import Redactor
from ecotui.session import SessionError
from ecotui.session.log import SUMMARY, Summary, read_summary, salt
from ecotui.session.store import Store

FOLDER = "sessions"
"""Under the team's prefix."""
NEWEST = 200
"""Sessions of the team that are read for a list, newest first."""
AT_ONCE = 12
"""Summaries that are read side by side."""


class Shared(msgspec.Struct, kw_only=True):
    """A session of some machine."""

    schema: str = "ecotui.shared-session/1"
    host: str = ""
    summary: Summary


def mark(shelf: Store, id: str) -> tuple[int, int] | None:
    """Something that changes with the summary; None where there is none yet."""
    try:
        seen = os.lstat(shelf.folder / id / SUMMARY)
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size


def encoded(shelf: Store, id: str) -> bytes:
    """What is shared of a session. Raises SessionError."""
    summary = read_summary(shelf.folder / id)
    redactor = Redactor(salt(shelf.folder / id), env=os.environ)
    plain = redactor.redact_all(msgspec.to_builtins(Shared(host=socket.gethostname(), summary=summary)))
    return msgspec.json.encode(plain)


def write(store: ObjectStore, shelf: Store, id: str) -> None:
    """Share a session's summary; one that cannot be read is passed over. Raises StoreError."""
    with suppress(SessionError):
        store.write(f"{FOLDER}/{id}.json", encoded(shelf, id))


def catch_up(store: ObjectStore, shelf: Store, project: Path, newest: int) -> None:
    """Share what was not shared when S3 could not be reached: the project's newest sessions. Raises StoreError."""
    # S3's ETag of a small object is the MD5 of its bytes, unless a key of KMS encrypts it: then it is written again.
    there = {one.key: one.etag for one in store.listing(f"{FOLDER}/")}
    for summary in shelf.list(newest):
        if summary.folder != str(project):
            continue
        with suppress(SessionError):
            body = encoded(shelf, summary.id)
            if (
                there.get(f"{FOLDER}/{summary.id}.json")
                != hashlib.md5(body, usedforsecurity=False).hexdigest()
            ):
                store.write(f"{FOLDER}/{summary.id}.json", body)


def read(store: ObjectStore, newest: int = NEWEST) -> Iterator[Shared]:
    """The team's sessions, newest first; what is no summary is left out. Raises StoreError."""
    keys = sorted((one.key for one in store.listing(f"{FOLDER}/")), reverse=True)[:newest]
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="team") as pool:
        read = list(pool.map(store.read, keys))
    for key, stored in zip(keys, read, strict=True):
        if stored is None:
            continue
        try:
            found = msgspec.json.decode(stored.body, type=Shared)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if key == f"{FOLDER}/{found.summary.id}.json":
            yield _clean(found)


def _clean(found: Shared) -> Shared:
    """Text of another machine: without control sequences, on one line."""
    summary = found.summary
    words = {name: one_line(getattr(summary, name)) for name in ("project", "folder", "by", "outcome")}
    steps = {one_line(step): one_line(state) for step, state in summary.steps.items()}
    tags, notes = [one_line(tag) for tag in summary.tags], [one_line(note) for note in summary.notes]
    cleaned = msgspec.structs.replace(summary, **words, steps=steps, tags=tags, notes=notes)
    return msgspec.structs.replace(found, host=one_line(found.host), summary=cleaned)
