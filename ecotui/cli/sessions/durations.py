"""`ecotui sessions durations`: how long each step usually takes, drawn over the past sessions."""

from __future__ import annotations

import argparse

from checks.duration import span
from ecotui import exit_codes
from ecotui.cli.printing import document
from ecotui.history.durations import SESSIONS, durations, public
from ecotui.session.index import Index, Wanted
from ecotui.session.store import Store

WIDTH = 40
"""Sessions that the line of bars shows, the newest at its right end."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--of", default="", metavar="PROJECT", help="only sessions of this project")
    parser.add_argument(
        "--limit",
        type=_count,
        default=SESSIONS,
        metavar="N",
        help=f"the newest N sessions (default: {SESSIONS})",
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def run(args: argparse.Namespace, store: Store) -> int:
    """Raises SessionError."""
    found = durations(Index(store), Wanted(project=args.of), args.limit)
    if args.json:
        document("sessions.durations", {"steps": public(found)})
        return exit_codes.OK
    if not found:
        print(f"No session in {store.folder} has run a command yet.")
        return exit_codes.OK
    print(f"{'step':<12}{'usually':>12}   {'from – to (half of them)':<26}{'runs':>5}   oldest … newest")
    for one in found:
        low, high = (span(seconds, tenths=True) for seconds in one.spread)
        print(
            f"{one.title:<12}{span(one.median, tenths=True):>12}   {f'{low} – {high}':<26}{len(one.samples):>5}   {one.line(WIDTH)}"
        )
    return exit_codes.OK
