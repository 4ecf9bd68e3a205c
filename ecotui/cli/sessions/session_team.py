"""`ecotui sessions list --team`: the sessions of all machines that share them, newest first."""

from __future__ import annotations

import argparse
import socket

from checks.duration import format_duration
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.session import SessionError, event_text
from ecotui.team.summaries import SharedSession


def configure_team(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--team",
        action="store_true",
        help="those of all machines (sessions.team); the newest, without filters",
    )


def run_team_list(args: argparse.Namespace) -> int:
    """Raises SessionError when there is no team, or its place cannot be reached; SettingsError."""
    from checks.aws.object_store import ObjectStore, ObjectStoreError
    from ecotui.cli.context import check_context
    from ecotui.team import summaries

    where = check_context(args)
    if not where.settings.sessions.team:
        raise SessionError("the settings name no team: sessions.team: s3://bucket/prefix")
    try:
        found = list(
            summaries.read_team_sessions(
                ObjectStore(where.aws, where.settings.sessions.team), args.limit or summaries.MAX_TEAM_SESSIONS
            )
        )
    except ObjectStoreError as error:
        raise SessionError(f"the team's sessions cannot be read: {error}") from error
    here = socket.gethostname()
    if args.json:
        print_document("sessions.team", {"sessions": [_team_session_document(one, here) for one in found]})
        return exit_codes.OK
    if not found:
        print(f"Nobody shared a session in {where.settings.sessions.team} yet.")
    width = max((len(one.host) for one in found), default=0)
    for one in found:
        summary = one.summary
        begun = event_text.format_local_time(summary.started) if summary.started else "-"
        lasted = format_duration(summary.ended - summary.started, tenths=True) if summary.ended else ""
        steps = " ".join(f"{step}:{state}" for step, state in summary.steps.items())
        mark = " " if one.host == here else "↗"
        print(
            f"{mark} {one.host:<{width}}  {summary.id}  {begun}  {lasted:>12}  {summary.outcome or 'open':<12}"
            f" {summary.project}  {summary.by.partition('@')[0]}  {steps}".rstrip()
        )
    if any(one.host != here for one in found):
        print("↗: of another machine; its log is there, and can be archived from there.")
    return exit_codes.OK


def _team_session_document(team_session: SharedSession, here: str) -> dict[str, object]:
    """A session in the shape of `ecotui.sessions.team/1`."""
    summary = team_session.summary
    return {
        "id": summary.id,
        "host": team_session.host,
        "here": team_session.host == here,
        "project": summary.project,
        "by": summary.by,
        "started": event_text.format_utc_time(summary.started or None),
        "ended": event_text.format_utc_time(summary.ended),
        "outcome": summary.outcome or "open",
        "steps": summary.steps,
    }
