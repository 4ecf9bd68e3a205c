"""`ecotui sessions list --team`: the sessions of all machines that share them, newest first."""

from __future__ import annotations

import argparse
import socket

from checks.duration import span
from ecotui import exit_codes
from ecotui.cli.printing import document
from ecotui.session import SessionError, event_text
from ecotui.team.summaries import Shared


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--team",
        action="store_true",
        help="those of all machines (sessions.team); the newest, without filters",
    )


def run(args: argparse.Namespace) -> int:
    """Raises SessionError when there is no team, or its place cannot be reached; SettingsError."""
    from checks.aws.object_store import ObjectStore, StoreError
    from ecotui.cli.context import world
    from ecotui.team import summaries

    where = world(args)
    if not where.settings.sessions.team:
        raise SessionError("the settings name no team: sessions.team: s3://bucket/prefix")
    try:
        found = list(
            summaries.read(
                ObjectStore(where.aws, where.settings.sessions.team), args.limit or summaries.NEWEST
            )
        )
    except StoreError as error:
        raise SessionError(f"the team's sessions cannot be read: {error}") from error
    here = socket.gethostname()
    if args.json:
        document("sessions.team", {"sessions": [_public(one, here) for one in found]})
        return exit_codes.OK
    if not found:
        print(f"Nobody shared a session in {where.settings.sessions.team} yet.")
    width = max((len(one.host) for one in found), default=0)
    for one in found:
        summary = one.summary
        begun = event_text.clock(summary.started) if summary.started else "-"
        lasted = span(summary.ended - summary.started, tenths=True) if summary.ended else ""
        steps = " ".join(f"{step}:{state}" for step, state in summary.steps.items())
        mark = " " if one.host == here else "↗"
        print(
            f"{mark} {one.host:<{width}}  {summary.id}  {begun}  {lasted:>12}  {summary.outcome or 'open':<12}"
            f" {summary.project}  {summary.by.partition('@')[0]}  {steps}".rstrip()
        )
    if any(one.host != here for one in found):
        print("↗: of another machine; its log is there, and can be archived from there.")
    return exit_codes.OK


def _public(one: Shared, here: str) -> dict[str, object]:
    """A session in the shape of `ecotui.sessions.team/1`."""
    summary = one.summary
    return {
        "id": summary.id,
        "host": one.host,
        "here": one.host == here,
        "project": summary.project,
        "by": summary.by,
        "started": event_text.iso(summary.started or None),
        "ended": event_text.iso(summary.ended),
        "outcome": summary.outcome or "open",
        "steps": summary.steps,
    }
