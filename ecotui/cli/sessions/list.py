"""`ecotui sessions list`: past sessions, filtered."""

from __future__ import annotations

import argparse
from typing import Any

from checks.duration import span
from checks.steps import STEPS
from ecotui import exit_codes
from ecotui.cli.printing import document
from ecotui.session import event_text
from ecotui.session.index import Index, Wanted
from ecotui.session.log import Session, Summary
from ecotui.session.query import moment
from ecotui.session.store import Store
from ecotui.supervisor.commands import running

DEFAULTS: dict[str, Any] = {
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
    add("--limit", type=_count, metavar="N", help="at most so many")
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
    add("--since", type=moment, metavar="DATE", help="begun then or later: 2026-05-01, or 7d for a week back")
    add("--until", type=moment, metavar="DATE", help="begun before then")
    add("--text", default="", metavar="WORDS", help="only those with these words in summary, tags or notes")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def run(args: argparse.Namespace, store: Store) -> int:
    """Raises SessionError when the shelf cannot be read."""
    wanted = Wanted(
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
    found = Index(store).list(wanted, None if asked else args.limit)
    pairs = [(summary, public(summary, store)) for summary in found]
    if asked:
        pairs = [pair for pair in pairs if pair[1]["outcome"] == args.outcome][: args.limit]
    if args.json:
        document("sessions", {"sessions": [plain for _, plain in pairs]})
        return exit_codes.OK
    if not pairs:
        none = "There are no sessions" if wanted.everything else "No session is like that"
        print(f"{none} in {store.folder}{' yet' if wanted.everything else ''}.")
        return exit_codes.OK
    for summary, plain in pairs:
        lasted = span(summary.ended - summary.started, tenths=True) if summary.ended else ""
        known = [step.id for step in STEPS if step.id in summary.steps]
        steps = " ".join(f"{step}:{summary.steps[step]}" for step in known)
        begun = event_text.clock(summary.started) if summary.started else "-"
        tags = "".join(f" #{tag}" for tag in summary.tags)
        print(
            f"{summary.id}  {begun}  {lasted:>12}  {plain['outcome']:<12} {summary.project}  {steps}{tags}".rstrip()
        )
    return exit_codes.OK


def public(summary: Summary, store: Store) -> dict[str, Any]:
    """A session in the shape of `ecotui.sessions/1`."""
    outcome = summary.outcome
    if not outcome:
        outcome = "running" if running(Session(store.folder / summary.id)) else "open"
    return {
        "id": summary.id,
        "project": summary.project,
        "started": event_text.iso(summary.started or None),
        "ended": event_text.iso(summary.ended),
        "outcome": outcome,
        "steps": summary.steps,
    }
