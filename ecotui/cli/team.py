"""`ecotui team`: who works in the account, by the lock that machines share; and the process that holds it for us."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from checks.finding import Finding, State
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.printing import SIGNS, document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    # For the seats of `ecotui.team.lease_client`, which begin it: the folder beside the project's lock.
    parser.add_argument("--keep", metavar="FOLDER", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    where = world(args)
    if not where.settings.sessions.team:
        print("ecotui team: the settings name no team: sessions.team: s3://bucket/prefix", file=sys.stderr)
        return exit_codes.USAGE
    if args.keep:
        from ecotui.team.lease_agent import keep

        keep(Path(args.keep), where, os.environ)
        return exit_codes.OK
    from checks.environment.team_lock import team

    (found,) = team(where)
    if args.json:
        document("team", _public(found))
    else:
        _print(found)
    return exit_codes.of(found.state)


def _public(found: Finding) -> dict[str, object]:
    """The shape of `ecotui.team/1`."""
    facts = {fact.label.replace(" ", "_"): fact.value for fact in found.facts}
    return {
        "state": found.state.value,
        "summary": found.summary,
        "team": facts.get("shared_in", ""),
        "holder": facts.get("holder"),
        "project": facts.get("project"),
        "denied": list(found.denied),
    }


def _print(found: Finding) -> None:
    print(f"{SIGNS[found.state]} {found.summary}")
    for fact in found.facts:
        print(f"    {fact.label}: {fact.value}")
    if found.denied:
        print(f"    not allowed: {', '.join(found.denied)}")
    if found.state is State.BLOCKED:
        print("    Ask them; a lease whose machine died ends by itself.")
