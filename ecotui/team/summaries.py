"""Session summaries that machines share in S3: one small object each, written by the machine that has the session.

The summary in the state folder is masked already; it is masked once more with this machine's own secrets.
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
from ecotui.session.log import SUMMARY_NAME, SessionSummary, read_or_create_salt, read_session_summary
from ecotui.session.store import SessionStore

SUMMARIES_PREFIX = "sessions"
"""Under the team's prefix."""
MAX_TEAM_SESSIONS = 200
"""Sessions of the team that are read for a list, newest first."""
PARALLEL_READS = 12
"""Summaries that are read in parallel."""


class SharedSession(msgspec.Struct, kw_only=True):
    """The summary of a session on some machine."""

    schema: str = "ecotui.shared-session/1"
    host: str = ""
    summary: SessionSummary


def summary_version(session_store: SessionStore, id: str) -> tuple[int, int] | None:
    """A value that changes with the summary; None where there is none yet."""
    try:
        status = os.lstat(session_store.folder / id / SUMMARY_NAME)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def encode_summary(session_store: SessionStore, id: str) -> bytes:
    """The object of a session. Raises SessionError."""
    summary = read_session_summary(session_store.folder / id)
    redactor = Redactor(read_or_create_salt(session_store.folder / id), env=os.environ)
    plain = redactor.redact_values(msgspec.to_builtins(SharedSession(host=socket.gethostname(), summary=summary)))
    return msgspec.json.encode(plain)


def publish_summary(store: ObjectStore, session_store: SessionStore, id: str) -> None:
    """Share a session's summary; skips one that cannot be read. Raises ObjectStoreError."""
    with suppress(SessionError):
        store.write(f"{SUMMARIES_PREFIX}/{id}.json", encode_summary(session_store, id))


def publish_missing_summaries(store: ObjectStore, session_store: SessionStore, project: Path, limit: int) -> None:
    """Share the project's newest sessions that are not shared yet. Raises ObjectStoreError."""
    # S3's ETag of a small object is the MD5 of its bytes, unless a key of KMS encrypts it: then it is written again.
    etags = {one.key: one.etag for one in store.list_entries(f"{SUMMARIES_PREFIX}/")}
    for summary in session_store.list_summaries(limit):
        if summary.folder != str(project):
            continue
        with suppress(SessionError):
            body = encode_summary(session_store, summary.id)
            if (
                etags.get(f"{SUMMARIES_PREFIX}/{summary.id}.json")
                != hashlib.md5(body, usedforsecurity=False).hexdigest()
            ):
                store.write(f"{SUMMARIES_PREFIX}/{summary.id}.json", body)


def read_team_sessions(store: ObjectStore, limit: int = MAX_TEAM_SESSIONS) -> Iterator[SharedSession]:
    """The team's sessions, newest first; skips what is no summary. Raises ObjectStoreError."""
    keys = sorted((one.key for one in store.list_entries(f"{SUMMARIES_PREFIX}/")), reverse=True)[:limit]
    with ThreadPoolExecutor(max_workers=PARALLEL_READS, thread_name_prefix="team") as pool:
        read = list(pool.map(store.read, keys))
    for key, stored in zip(keys, read, strict=True):
        if stored is None:
            continue
        try:
            found = msgspec.json.decode(stored.body, type=SharedSession)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if key == f"{SUMMARIES_PREFIX}/{found.summary.id}.json":
            yield _sanitize_session(found)


def _sanitize_session(session: SharedSession) -> SharedSession:
    """Text of another machine: without control sequences, on one line."""
    summary = session.summary
    words = {name: one_line(getattr(summary, name)) for name in ("project", "folder", "by", "outcome")}
    steps = {one_line(step): one_line(state) for step, state in summary.steps.items()}
    tags, notes = [one_line(tag) for tag in summary.tags], [one_line(note) for note in summary.notes]
    cleaned = msgspec.structs.replace(summary, **words, steps=steps, tags=tags, notes=notes)
    return msgspec.structs.replace(session, host=one_line(session.host), summary=cleaned)
