"""Holds the locks for a command without a screen: the project's lock on this machine, and the team's lease.

A command that the TUI started needs neither: its parent holds both.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.sanitize import one_line
from config.folders import state_folder
from ecotui.session import events, store
from ecotui.team.file_lock import FileLock
from ecotui.team.lease_client import OVERRIDE_HINT, TEAM_LOCK_FINDING, LeaseClient, open_lease_client

if TYPE_CHECKING:
    from checks.context import CheckContext

LEASE_TIMEOUT_SECONDS = 30.0
"""Seconds to wait for the team's lease; S3 answers within one where it answers at all."""


class LockUnavailable(Exception):
    """Somebody else works here, or nobody can say whether somebody does. The message is for the operator."""


@dataclass
class LockHandle:
    """The locks, while the `with` lasts."""

    override_reason: str = ""
    """Why the operator continues without the team's lease; to be logged."""
    lease: LeaseClient | None = None

    def set_session(self, session: str) -> None:
        """The session that this is for: its summary is shared, and its commands keep the lease."""
        if self.lease is not None:
            self.lease.set_session(session)


def configure_override(parser: argparse.ArgumentParser) -> None:
    """The option of every command that changes something."""
    parser.add_argument(
        "--override",
        metavar="ID=REASON",
        action="append",
        default=[],
        help=f"go on although the team's lock ({TEAM_LOCK_FINDING}) cannot be checked",
    )


@contextmanager
def hold_locks(
    context: CheckContext, overrides: Sequence[str] = (), *, log_override: bool = True
) -> Iterator[LockHandle]:
    """Hold both locks. `overrides` are the values of --override, ID=REASON. Raises LockUnavailable, SessionError.

    With `log_override`, an override is logged in a session of its own; a command with a session logs it there.
    """
    if context.env.get("ECOTUI_SESSION"):  # the parent holds the project for us
        yield LockHandle()
        return
    root = state_folder(context.settings, context.env)
    lock = FileLock(root, context.project, context.env)
    if not lock.acquire():
        raise LockUnavailable(lock.refusal_reason())
    handle = LockHandle(override_reason=lease_override_reason(overrides))
    try:
        if context.settings.sessions.team:
            options = ["--project", str(context.project)]
            handle.lease = open_lease_client(root, context.project, options, context.env)
            status = handle.lease.wait_for_status(LEASE_TIMEOUT_SECONDS)
            if refusal := status.refusal_reason(overridden=bool(handle.override_reason)):
                raise LockUnavailable(refusal.replace(OVERRIDE_HINT, f"add --override '{TEAM_LOCK_FINDING}=REASON'"))
            if status.is_held:
                handle.override_reason = ""  # it was not needed
            elif log_override:
                _log_override(context, handle.override_reason)
        yield handle
    finally:
        if handle.lease is not None:
            handle.lease.release()
        lock.release()


def _log_override(context: CheckContext, reason: str) -> None:
    session = store.open_or_create_session(context.settings, context.env, context.project)
    session.append(events.FindingOverridden(finding=TEAM_LOCK_FINDING, reason=reason))
    session.end("overridden")
    session.close()


def lease_override_reason(overrides: Sequence[str]) -> str:
    """The reason given for continuing without the team's lease; empty where none was."""
    given = (
        word.removeprefix(f"{TEAM_LOCK_FINDING}=").strip()
        for word in overrides
        if word.startswith(f"{TEAM_LOCK_FINDING}=")
    )
    return one_line(next(given, ""))
