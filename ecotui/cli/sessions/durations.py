"""`ecotui sessions durations`: how long each step usually takes, drawn over the past sessions."""

from __future__ import annotations

import argparse

from checks.duration import format_duration
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.history.durations import MAX_SESSIONS_COMPARED, read_step_durations, step_durations_to_json
from ecotui.session.index import SessionIndex
from ecotui.session.query import SessionQuery
from ecotui.session.store import SessionStore

CHART_WIDTH = 40
"""Sessions that the line of bars shows, the newest at its right end."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--of", default="", metavar="PROJECT", help="only sessions of this project")
    parser.add_argument(
        "--limit",
        type=_parse_limit,
        default=MAX_SESSIONS_COMPARED,
        metavar="N",
        help=f"the newest N sessions (default: {MAX_SESSIONS_COMPARED})",
    )


def _parse_limit(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError."""
    steps = read_step_durations(SessionIndex(store), SessionQuery(project=args.of), args.limit)
    if args.json:
        print_document("sessions.durations", {"steps": step_durations_to_json(steps)})
        return exit_codes.OK
    if not steps:
        print(f"No session in {store.folder} has run a command yet.")
        return exit_codes.OK
    print(f"{'step':<12}{'usually':>12}   {'from – to (half of them)':<26}{'runs':>5}   oldest … newest")
    for step in steps:
        low, high = (format_duration(seconds, tenths=True) for seconds in step.quartiles)
        print(
            f"{step.title:<12}{format_duration(step.median, tenths=True):>12}   {f'{low} – {high}':<26}{len(step.samples):>5}   {step.sparkline(CHART_WIDTH)}"
        )
    return exit_codes.OK
