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
from ecotui.session.lock import Holder, path_of
from ecotui.session.private_files import explained, read_bytes, replace_file


@dataclass(frozen=True)
class Question:
    """Somebody asks for the project."""

    id: str
    by: str
    """In words: hana@bastion on pts/7 from 203.0.113.7."""
    pid: int


@dataclass(frozen=True)
class Answer:
    """What the holder said."""

    id: str
    granted: bool


def ask(root: Path, project: Path, by: str) -> Question:
    """Ask for the project; an earlier question is replaced. Raises SessionError."""
    path = _question(root, project)
    question = Question(secrets.token_hex(8), by, os.getpid())
    with explained("cannot write to", path):
        replace_file(path, json.dumps(asdict(question)).encode())
    return question


def asked(root: Path, project: Path) -> Question | None:
    """The open question, whose asker is still there; None when there is none."""
    plain = _read(_question(root, project))
    if plain is None:
        return None
    try:
        question = Question(str(plain["id"]), one_line(str(plain["by"])), int(plain["pid"]))
    except (KeyError, TypeError, ValueError):
        return None
    if Path("/proc/self").exists() and not Path(f"/proc/{question.pid}").exists():
        return None  # whoever asked has gone away
    given = answered(root, project)
    return None if given is not None and given.id == question.id else question


def answer(root: Path, project: Path, question: Question, *, granted: bool) -> None:
    """Answer a question. Raises SessionError."""
    path = _answer(root, project)
    with explained("cannot write to", path):
        replace_file(path, json.dumps(asdict(Answer(question.id, granted))).encode())


def answered(root: Path, project: Path) -> Answer | None:
    """The last answer that was given."""
    plain = _read(_answer(root, project))
    try:
        return None if plain is None else Answer(str(plain["id"]), bool(plain["granted"]))
    except KeyError:
        return None


def withdraw(root: Path, project: Path, question: Question) -> None:
    """Ask no longer; somebody else's question stays. Raises SessionError."""
    path = _question(root, project)
    if (plain := _read(path)) is not None and plain.get("id") == question.id:
        with explained("cannot write to", path):
            path.unlink(missing_ok=True)


def described(holder: Holder) -> str:
    """Who asks, in words for the holder: without since when, as one asks now."""
    return Holder(user=holder.user, host=holder.host, terminal=holder.terminal, origin=holder.origin).who


def _question(root: Path, project: Path) -> Path:
    return path_of(root, project).with_suffix(".question")


def _answer(root: Path, project: Path) -> Path:
    return path_of(root, project).with_suffix(".answer")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        plain = json.loads(read_bytes(path, limit=10_000))
    except (OSError, ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None
