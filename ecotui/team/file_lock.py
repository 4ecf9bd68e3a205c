"""Asking the holder of a project to hand it over: a question and an answer, in files beside the lock.

Nothing here takes anything by force: who does not answer stays the holder, and whose process is gone holds no lock.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from checks.sanitize import one_line
from ecotui.session.lock import LockHolder, project_lock_path
from ecotui.session.private_files import raise_session_error, read_bytes, replace_atomically


@dataclass(frozen=True)
class HandoffRequest:
    """Somebody asks for the project."""

    id: str
    by: str
    """In words: hana@bastion on pts/7 from 203.0.113.7."""
    pid: int


@dataclass(frozen=True)
class HandoffAnswer:
    """What the holder said."""

    id: str
    granted: bool


def request_handoff(root: Path, project: Path, by: str) -> HandoffRequest:
    """Ask for the project; an earlier question is replaced. Raises SessionError."""
    path = _request_path(root, project)
    question = HandoffRequest(secrets.token_hex(8), by, os.getpid())
    with raise_session_error("cannot write to", path):
        replace_atomically(path, json.dumps(asdict(question)).encode())
    return question


def read_handoff_request(root: Path, project: Path) -> HandoffRequest | None:
    """The open question, whose asker is still there; None when there is none."""
    plain = _read_json_object(_request_path(root, project))
    if plain is None:
        return None
    try:
        question = HandoffRequest(str(plain["id"]), one_line(str(plain["by"])), int(plain["pid"]))
    except (KeyError, TypeError, ValueError):
        return None
    if Path("/proc/self").exists() and not Path(f"/proc/{question.pid}").exists():
        return None  # whoever asked has gone away
    given = read_handoff_answer(root, project)
    return None if given is not None and given.id == question.id else question


def answer_handoff(root: Path, project: Path, request: HandoffRequest, *, granted: bool) -> None:
    """Answer a question. Raises SessionError."""
    path = _answer_path(root, project)
    with raise_session_error("cannot write to", path):
        replace_atomically(path, json.dumps(asdict(HandoffAnswer(request.id, granted))).encode())


def read_handoff_answer(root: Path, project: Path) -> HandoffAnswer | None:
    """The last answer that was given."""
    plain = _read_json_object(_answer_path(root, project))
    try:
        return None if plain is None else HandoffAnswer(str(plain["id"]), bool(plain["granted"]))
    except KeyError:
        return None


def withdraw_handoff_request(root: Path, project: Path, request: HandoffRequest) -> None:
    """Ask no longer; somebody else's question stays. Raises SessionError."""
    path = _request_path(root, project)
    if (plain := _read_json_object(path)) is not None and plain.get("id") == request.id:
        with raise_session_error("cannot write to", path):
            path.unlink(missing_ok=True)


def describe_requester(holder: LockHolder) -> str:
    """Who asks, in words for the holder: without since when, as one asks now."""
    return LockHolder(user=holder.user, host=holder.host, terminal=holder.terminal, origin=holder.origin).description


def _request_path(root: Path, project: Path) -> Path:
    return project_lock_path(root, project).with_suffix(".question")


def _answer_path(root: Path, project: Path) -> Path:
    return project_lock_path(root, project).with_suffix(".answer")


def _read_json_object(path: Path) -> dict[str, Any] | None:
    try:
        plain = json.loads(read_bytes(path, limit=10_000))
    except (OSError, ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None
