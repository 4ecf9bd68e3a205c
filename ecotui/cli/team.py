"""`ecotui team`: shows who works in the account, by the team's lease; `--keep` runs the lease agent."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from checks.finding import STATE_ICONS, CheckState, Finding
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import print_document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    # For `ecotui.team.lease_client`, which starts the agent: the folder beside the project's lock.
    parser.add_argument("--keep", metavar="FOLDER", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    where = check_context(args)
    if not where.settings.sessions.team:
        print("ecotui team: the settings name no team: sessions.team: s3://bucket/prefix", file=sys.stderr)
        return exit_codes.USAGE
    if args.keep:
        from ecotui.team.lease_agent import run_lease_agent

        run_lease_agent(Path(args.keep), where, os.environ)
        return exit_codes.OK
    from checks.environment.check import check_team_lock

    (found,) = check_team_lock(where)
    if args.json:
        print_document("team", _team_document(found))
    else:
        _print_team(found)
    return exit_codes.exit_code_for(found.state)


def _team_document(finding: Finding) -> dict[str, object]:
    """The shape of `ecotui.team/1`."""
    facts = {fact.label.replace(" ", "_"): fact.value for fact in finding.facts}
    return {
        "state": finding.state.value,
        "summary": finding.summary,
        "team": facts.get("shared_in", ""),
        "holder": facts.get("holder"),
        "project": facts.get("project"),
        "denied": list(finding.denied),
    }


def _print_team(finding: Finding) -> None:
    print(f"{STATE_ICONS[finding.state]} {finding.summary}")
    for fact in finding.facts:
        print(f"    {fact.label}: {fact.value}")
    if finding.denied:
        print(f"    not allowed: {', '.join(finding.denied)}")
    if finding.state is CheckState.BLOCKED:
        print("    Ask them; a lease whose machine died ends by itself.")
