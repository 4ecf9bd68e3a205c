"""`ecotui sessions list`: past sessions, filtered; with --team, those of all machines that share them."""

from __future__ import annotations

import argparse
import socket
from typing import TYPE_CHECKING, Any

from checks.duration import format_duration
from checks.steps import STEPS
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import parse_count
from ecotui.session import SessionError
from ecotui.session.event_text import format_local_time, format_utc_time
from ecotui.session.index import SessionIndex
from ecotui.session.log import Session, SessionSummary
from ecotui.session.query import SessionQuery, parse_time
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_running_commands

if TYPE_CHECKING:
    from ecotui.team.summaries import SharedSession

DEFAULTS: dict[str, Any] = {
    "limit": None,
    "team": False,
    "of": "",
    "outcome": "",
    "step": "",
    "by": "",
    "tag": "",
    "since": None,
    "until": None,
    "text": "",
}


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--limit", type=parse_count, metavar="N", help="at most N")
    add("--of", default="", metavar="PROJECT", help="only those of this project")
    add("--outcome", default="", metavar="WORD", help="only those with this outcome; open and running: not ended")
    add("--step", default="", metavar="STEP[:STATE]", help="only those that checked this step, with this last state")
    add("--by", default="", metavar="NAME", help="only those that this operator started")
    add("--tag", default="", metavar="TAG", help="only those with this tag")
    add("--since", type=parse_time, metavar="DATE", help="started then or later: 2026-05-01, or 7d for a week back")
    add("--until", type=parse_time, metavar="DATE", help="started before then")
    add("--text", default="", metavar="WORDS", help="only those with these words in summary, tags or notes")
    add("--team", action="store_true", help="those of all machines (sessions.team); the newest, without filters")


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError when the sessions cannot be read; with --team, also SettingsError."""
    if args.team:
        return _run_team(args)
    query = SessionQuery(
        project=args.of,
        outcome=args.outcome,
        step=args.step,
        operator=args.by,
        tag=args.tag,
        since=args.since,
        until=args.until,
        text=args.text,
    )
    # Whether an open session runs is not in the index: it is asked of the processes.
    needs_processes = args.outcome in ("open", "running")
    summaries = SessionIndex(store).find_summaries(query, None if needs_processes else args.limit)
    pairs = [(summary, session_document(summary, store)) for summary in summaries]
    if needs_processes:
        pairs = [pair for pair in pairs if pair[1]["outcome"] == args.outcome][: args.limit]
    if args.json:
        print_document("sessions", {"sessions": [document for _, document in pairs]})
        return exit_codes.OK
    if not pairs:
        message = "There are no sessions" if query.matches_all else "No sessions match"
        print(f"{message} in {store.folder}{' yet' if query.matches_all else ''}.")
        return exit_codes.OK
    for summary, document in pairs:
        duration = format_duration(summary.ended - summary.started, tenths=True) if summary.ended else ""
        checked = [step.id for step in STEPS if step.id in summary.steps]
        steps = " ".join(f"{step}:{summary.steps[step]}" for step in checked)
        start = format_local_time(summary.started) if summary.started else "-"
        tags = "".join(f" #{tag}" for tag in summary.tags)
        print(
            f"{summary.id}  {start}  {duration:>12}  {document['outcome']:<12} {summary.project}  {steps}{tags}".rstrip()
        )
    return exit_codes.OK


def session_document(summary: SessionSummary, store: SessionStore) -> dict[str, Any]:
    """A session in the shape of `ecotui.sessions/1`."""
    outcome = summary.outcome
    if not outcome:
        outcome = "running" if list_running_commands(Session(store.folder / summary.id)) else "open"
    return {
        "id": summary.id,
        "project": summary.project,
        "started": format_utc_time(summary.started or None),
        "ended": format_utc_time(summary.ended),
        "outcome": outcome,
        "steps": summary.steps,
    }


def _run_team(args: argparse.Namespace) -> int:
    """Raises SessionError when no team is set or S3 cannot be reached, and SettingsError."""
    from checks.aws.object_store import ObjectStore, ObjectStoreError
    from ecotui.cli.context import check_context
    from ecotui.team import summaries

    context = check_context(args)
    if not context.settings.sessions.team:
        raise SessionError("the settings name no team: sessions.team: s3://bucket/prefix")
    try:
        sessions = list(
            summaries.read_team_sessions(
                ObjectStore(context.aws, context.settings.sessions.team), args.limit or summaries.MAX_TEAM_SESSIONS
            )
        )
    except ObjectStoreError as error:
        raise SessionError(f"the team's sessions cannot be read: {error}") from error
    hostname = socket.gethostname()
    if args.json:
        print_document(
            "sessions.team", {"sessions": [_team_session_document(session, hostname) for session in sessions]}
        )
        return exit_codes.OK
    if not sessions:
        print(f"No session is shared in {context.settings.sessions.team} yet.")
    width = max((len(session.host) for session in sessions), default=0)
    for session in sessions:
        summary = session.summary
        start = format_local_time(summary.started) if summary.started else "-"
        duration = format_duration(summary.ended - summary.started, tenths=True) if summary.ended else ""
        steps = " ".join(f"{step}:{state}" for step, state in summary.steps.items())
        icon = " " if session.host == hostname else "↗"
        print(
            f"{icon} {session.host:<{width}}  {summary.id}  {start}  {duration:>12}  {summary.outcome or 'open':<12}"
            f" {summary.project}  {summary.by.partition('@')[0]}  {steps}".rstrip()
        )
    if any(session.host != hostname for session in sessions):
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
        "started": format_utc_time(summary.started or None),
        "ended": format_utc_time(summary.ended),
        "outcome": summary.outcome or "open",
        "steps": summary.steps,
    }
