"""The project's lock on this machine, and the handoff of it: a request and an answer, in files beside the lock file."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from checks.sanitize import one_line
from ecotui.session.lock import (
    LockHolder,
    LocksUnsupported,
    ProjectLock,
    acquire_project_lock,
    project_lock_path,
    read_lock_holder,
)
from ecotui.session.private_files import raise_session_error, read_bytes, replace_atomically
from ecotui.team.writer_lock import HandoffRequest, WriterLock


@dataclass(frozen=True)
class HandoffAnswer:
    """The holder's answer to the request with this id."""

    id: str
    granted: bool


class FileLock(WriterLock):
    """The lock of one project, held by this process or watched by it."""

    def __init__(self, root: Path, project: Path, env: Mapping[str, str]) -> None:
        """`root` is the state folder."""
        self._root, self._project, self._env = root, project, env
        self._lock: ProjectLock | None = None
        self.holder: LockHolder | None = None
        """Who else has it."""
        self.unsupported_reason = ""
        """Why nobody can say who has it: the state folder has no locks. Then it is never ours."""
        self.pending_request: HandoffRequest | None = None
        """Our request, while it has no answer."""

    @property
    def is_held(self) -> bool:
        return self._lock is not None

    @property
    def holder_text(self) -> str:
        return self.holder.description if self.holder is not None else ""

    @property
    def is_free(self) -> bool:
        """Whether its holder released it, or died."""
        return self.holder is not None and read_lock_holder(self._root, self._project) is None

    def acquire(self) -> bool:
        if self._lock is not None:
            return True
        try:
            taken = acquire_project_lock(self._root, self._project, self._env)
        except LocksUnsupported as error:
            self.unsupported_reason = str(error)
            return False
        if isinstance(taken, LockHolder):
            self.holder = taken
            return False
        self._lock, self.holder = taken, None
        self._withdraw_request()
        return True

    def refresh_holder(self) -> None:
        """Read who has it now, where it is somebody else."""
        if self.holder is not None and (now := read_lock_holder(self._root, self._project)) is not None:
            self.holder = now

    def refusal_reason(self, *, overridden: bool = False) -> str:
        if self.unsupported_reason:
            return self.unsupported_reason
        return "" if self.is_held else f"{self.holder_text or 'somebody'} works on this project"

    def request_handoff(self, requester: str) -> None:
        self.pending_request = request_handoff(self._root, self._project, requester)

    def read_answer(self) -> bool | None:
        given = read_handoff_answer(self._root, self._project)
        if self.pending_request is None or given is None or given.id != self.pending_request.id:
            return None
        self.pending_request = None
        return given.granted

    def incoming_request(self) -> HandoffRequest | None:
        return read_handoff_request(self._root, self._project) if self.is_held else None

    def answer_handoff(self, request: HandoffRequest, *, granted: bool) -> None:
        path = _answer_path(self._root, self._project)
        with raise_session_error("cannot write to", path):
            replace_atomically(path, json.dumps(asdict(HandoffAnswer(request.id, granted))).encode())
        if granted and self._lock is not None:
            self._lock.release()
            self._lock, self.holder = None, LockHolder(user=request.by)

    def release(self) -> None:
        self._withdraw_request()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _withdraw_request(self) -> None:
        """Ask no longer; somebody else's request stays."""
        request, self.pending_request = self.pending_request, None
        path = _request_path(self._root, self._project)
        if request is not None and (plain := _read_json_object(path)) is not None and plain.get("id") == request.id:
            with suppress(OSError):  # a request whose process is gone is not answered
                path.unlink(missing_ok=True)


def request_handoff(root: Path, project: Path, by: str) -> HandoffRequest:
    """Ask for the project; an earlier request is replaced. Raises SessionError."""
    path = _request_path(root, project)
    request = HandoffRequest(secrets.token_hex(8), by, os.getpid())
    with raise_session_error("cannot write to", path):
        replace_atomically(path, json.dumps(asdict(request)).encode())
    return request


def read_handoff_request(root: Path, project: Path) -> HandoffRequest | None:
    """The request without an answer, while its requester's process lives; None when there is none."""
    plain = _read_json_object(_request_path(root, project))
    if plain is None:
        return None
    try:
        request = HandoffRequest(str(plain["id"]), one_line(str(plain["by"])), int(plain["pid"]))
    except (KeyError, TypeError, ValueError):
        return None
    if Path("/proc/self").exists() and not Path(f"/proc/{request.pid}").exists():
        return None
    given = read_handoff_answer(root, project)
    return None if given is not None and given.id == request.id else request


def read_handoff_answer(root: Path, project: Path) -> HandoffAnswer | None:
    """The last answer that was given."""
    plain = _read_json_object(_answer_path(root, project))
    try:
        return None if plain is None else HandoffAnswer(str(plain["id"]), bool(plain["granted"]))
    except KeyError:
        return None


def describe_requester(holder: LockHolder) -> str:
    """Who asks, in words for the holder: without a time, as it is now."""
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
