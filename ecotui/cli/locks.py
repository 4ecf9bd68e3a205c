"""The right to change something, for a command without a screen: this machine's lock on the project, and the team's.

A command that the TUI started has it from its parent, which holds both.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.sanitize import one_line
from config.folders import state_folder
from ecotui.session import events, lock, store
from ecotui.team.lease_client import TEAM_LOCK_FINDING, LeaseClient, open_lease_client

if TYPE_CHECKING:
    from checks.context import CheckContext

LEASE_TIMEOUT_SECONDS = 30.0
"""Seconds to wait for the team's lock to be looked at; S3 answers within one where it answers at all."""


class LockUnavailable(Exception):
    """Somebody else works here, or nobody can say whether. The message is for the operator."""


@dataclass
class LockHandle:
    """What is held, for as long as the `with` lasts."""

    override_reason: str = ""
    """Why the team's lock was let pass without having been looked at; to be logged."""
    lease_client: LeaseClient | None = None

    def set_session(self, session: str) -> None:
        """The session that this is for: its summary is shared, and its commands keep the team's lock."""
        if self.lease_client is not None:
            self.lease_client.set_session(session)


def configure_override(parser: argparse.ArgumentParser) -> None:
    """The option of every command that changes something."""
    parser.add_argument(
        "--override",
        metavar="ID=REASON",
        action="append",
        default=[],
        help=f"go on although the team's lock ({TEAM_LOCK_FINDING}) cannot be looked at",
    )


@contextmanager
def hold_locks(
    context: CheckContext, overrides: Sequence[str] = (), *, log_override: bool = True
) -> Iterator[LockHandle]:
    """Hold both locks. `overrides`: what --override was given, ID=REASON. Raises Refused, SessionError.

    `log`: an override is logged in a session of its own; a command that has a session logs it there.
    """
    if context.env.get("ECOTUI_SESSION"):  # the parent holds the project for us
        yield LockHandle()
        return
    root = state_folder(context.settings, context.env)
    try:
        taken = lock.acquire_project_lock(root, context.project, context.env)
    except lock.LocksUnsupported as error:
        raise LockUnavailable(str(error)) from error
    if isinstance(taken, lock.LockHolder):
        raise LockUnavailable(f"{taken.description} works on this project")
    held = LockHandle(override_reason=lease_override_reason(overrides))
    try:
        if context.settings.sessions.team:
            options = ["--project", str(context.project)]
            held.lease_client = open_lease_client(root, context.project, options, context.env)
            standing = held.lease_client.wait_for_status(LEASE_TIMEOUT_SECONDS)
            if refusal := standing.refusal_reason(overridden=bool(held.override_reason)):
                raise LockUnavailable(_add_override_hint(refusal))
            if standing.is_held:
                held.override_reason = ""  # it was not needed
            elif log_override:
                _log_override(context, held.override_reason)
        yield held
    finally:
        if held.lease_client is not None:
            held.lease_client.close()
        taken.release()


def _log_override(context: CheckContext, reason: str) -> None:
    session = store.open_or_create_session(context.settings, context.env, context.project)
    session.append(events.FindingOverridden(finding=TEAM_LOCK_FINDING, reason=reason))
    session.end("overridden")
    session.close()


def lease_override_reason(overrides: Sequence[str]) -> str:
    """The reason with which the team's lock is let pass; empty when it is not."""
    given = (
        word.removeprefix(f"{TEAM_LOCK_FINDING}=").strip()
        for word in overrides
        if word.startswith(f"{TEAM_LOCK_FINDING}=")
    )
    return one_line(next(given, ""))


def _add_override_hint(refusal: str) -> str:
    way = f"let {TEAM_LOCK_FINDING} pass with a reason"
    return refusal.replace(way, f"add --override '{TEAM_LOCK_FINDING}=REASON'")
