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
from ecotui.session import events, lock, store
from ecotui.team.lease_client import FINDING, Seat, take_seat

if TYPE_CHECKING:
    from checks.context import World

PATIENCE = 30.0
"""Seconds to wait for the team's lock to be looked at; S3 answers within one where it answers at all."""


class Refused(Exception):
    """Somebody else works here, or nobody can say whether. The message is for the operator."""


@dataclass
class Holding:
    """What is held, for as long as the `with` lasts."""

    passed: str = ""
    """Why the team's lock was let pass without having been looked at; to be logged."""
    seat: Seat | None = None

    def about(self, session: str) -> None:
        """The session that this is for: its summary is shared, and its commands keep the team's lock."""
        if self.seat is not None:
            self.seat.about(session)


def configure(parser: argparse.ArgumentParser) -> None:
    """The option of every command that changes something."""
    parser.add_argument(
        "--override",
        metavar="ID=REASON",
        action="append",
        default=[],
        help=f"go on although the team's lock ({FINDING}) cannot be looked at",
    )


@contextmanager
def holding(where: World, overrides: Sequence[str] = (), *, log: bool = True) -> Iterator[Holding]:
    """Hold both locks. `overrides`: what --override was given, ID=REASON. Raises Refused, SessionError.

    `log`: an override is logged in a session of its own; a command that has a session logs it there.
    """
    if where.env.get("ECOTUI_SESSION"):  # the parent holds the project for us
        yield Holding()
        return
    root = store.root(where.settings, where.env)
    try:
        taken = lock.take(root, where.project, where.env)
    except lock.NoLocks as error:
        raise Refused(str(error)) from error
    if isinstance(taken, lock.Holder):
        raise Refused(f"{taken.who} works on this project")
    held = Holding(passed=passed(overrides))
    try:
        if where.settings.sessions.team:
            options = ["--project", str(where.project)]
            held.seat = take_seat(root, where.project, options, where.env)
            standing = held.seat.wait(PATIENCE)
            if refusal := standing.refusal(passed=bool(held.passed)):
                raise Refused(_how(refusal))
            if standing.ours:
                held.passed = ""  # it was not needed
            elif log:
                _log(where, held.passed)
        yield held
    finally:
        if held.seat is not None:
            held.seat.leave()
        taken.release()


def _log(where: World, reason: str) -> None:
    session = store.join(where.settings, where.env, where.project)
    session.append(events.Overridden(finding=FINDING, reason=reason))
    session.end("overridden")
    session.close()


def passed(overrides: Sequence[str]) -> str:
    """The reason with which the team's lock is let pass; empty when it is not."""
    given = (word.removeprefix(f"{FINDING}=").strip() for word in overrides if word.startswith(f"{FINDING}="))
    return one_line(next(given, ""))


def _how(refusal: str) -> str:
    way = f"let {FINDING} pass with a reason"
    return refusal.replace(way, f"add --override '{FINDING}=REASON'")
