"""`ecotui sessions list`: past sessions, filtered."""

from __future__ import annotations

import argparse
from typing import Any

from checks.duration import format_duration
from checks.steps import STEPS
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.session import event_text
from ecotui.session.index import SessionIndex, SessionQuery
from ecotui.session.log import Session, SessionSummary
from ecotui.session.query import parse_time
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_running_commands

FILTER_DEFAULTS: dict[str, Any] = {
    "limit": None,
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
    add("--limit", type=_parse_count, metavar="N", help="at most so many")
    add("--of", default="", metavar="PROJECT", help="only those of this project")
    add("--outcome", default="", metavar="WORD", help="only those that ended so; open, running: not yet")
    add(
        "--step",
        default="",
        metavar="STEP[:STATE]",
        help="only those that looked at it, and what it was last",
    )
    add("--by", default="", metavar="NAME", help="only those that this operator began")
    add("--tag", default="", metavar="TAG", help="only those with this tag")
    add("--since", type=parse_time, metavar="DATE", help="begun then or later: 2026-05-01, or 7d for a week back")
    add("--until", type=parse_time, metavar="DATE", help="begun before then")
    add("--text", default="", metavar="WORDS", help="only those with these words in summary, tags or notes")


def _parse_count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError when the shelf cannot be read."""
    wanted = SessionQuery(
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
    asked = args.outcome in ("open", "running")
    found = SessionIndex(store).find_summaries(wanted, None if asked else args.limit)
    pairs = [(summary, session_document(summary, store)) for summary in found]
    if asked:
        pairs = [pair for pair in pairs if pair[1]["outcome"] == args.outcome][: args.limit]
    if args.json:
        print_document("sessions", {"sessions": [plain for _, plain in pairs]})
        return exit_codes.OK
    if not pairs:
        none = "There are no sessions" if wanted.matches_all else "No session is like that"
        print(f"{none} in {store.folder}{' yet' if wanted.matches_all else ''}.")
        return exit_codes.OK
    for summary, plain in pairs:
        lasted = format_duration(summary.ended - summary.started, tenths=True) if summary.ended else ""
        known = [step.id for step in STEPS if step.id in summary.steps]
        steps = " ".join(f"{step}:{summary.steps[step]}" for step in known)
        begun = event_text.format_local_time(summary.started) if summary.started else "-"
        tags = "".join(f" #{tag}" for tag in summary.tags)
        print(f"{summary.id}  {begun}  {lasted:>12}  {plain['outcome']:<12} {summary.project}  {steps}{tags}".rstrip())
    return exit_codes.OK


def session_document(summary: SessionSummary, store: SessionStore) -> dict[str, Any]:
    """A session in the shape of `ecotui.sessions/1`."""
    outcome = summary.outcome
    if not outcome:
        outcome = "running" if list_running_commands(Session(store.folder / summary.id)) else "open"
    return {
        "id": summary.id,
        "project": summary.project,
        "started": event_text.format_utc_time(summary.started or None),
        "ended": event_text.format_utc_time(summary.ended),
        "outcome": outcome,
        "steps": summary.steps,
    }
