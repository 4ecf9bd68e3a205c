"""`ecotui why`: why a resource of the apply that runs is not done yet, by what AWS shows of it."""

from __future__ import annotations

import argparse
import sys
import time

import msgspec

from checks.finding import Finding, Report, State
from checks.sanitize import one_line
from config.model import Guide
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.printing import SIGNS, document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        nargs="?",
        help="the resource, as terraform calls it (default: what runs for the longest time)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)  # a Report, for the screen


def run(args: argparse.Namespace) -> int:
    """Exit code by what was found: 0 it goes on, 4 have a look, 3 it will not end well or could not be seen."""
    from checks.apply.run.why import why
    from ecotui.history import current_apply
    from ecotui.session import store

    begun = time.time()
    where = world(args)
    shelf = store.Store(store.root(where.settings, where.env))
    found = current_apply.find(shelf, where.project)
    rows = found.progress.running if found and found.running else ()
    address = args.address or (min(rows, key=lambda row: row.started).address if rows else "")
    asked = None
    if found and found.running and address:
        asked = found.about(address, time.time(), current_apply.times(shelf, where.project, found, address))
    finding = _nothing(found, address) if asked is None else why(where, asked)
    if args.stream:
        report = Report(
            step="apply", findings=(finding,), started=begun, seconds=time.time() - begun, detail=None
        )
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    elif args.json:
        document("why", {"address": address, "finding": msgspec.to_builtins(finding)})
    else:
        _tell(finding, where.settings.guide)
    return exit_codes.of(finding.state)


def _nothing(found: object, address: str) -> Finding:
    """Nothing to look at: why not."""
    from ecotui.history.current_apply import Run

    said, state = "No apply of this project is on record.", State.SKIPPED
    if isinstance(found, Run):
        done = next((one for one in found.progress.finished if one.address == address), None)
        broken = any(one.address == address for one in found.progress.broken)
        if done:
            said = f"It is done: {done.action} took {done.seconds:g} s."
        elif broken:
            said, state = "It has failed; the run's errors say why.", State.BLOCKED
        elif not found.running:
            said = "No apply runs now."
        elif not address:
            said = "Nothing is being worked on at this moment."
        else:
            known = found.plan and any(one.address == address for one in found.plan.changes)
            said = "It was not begun yet." if known else "The apply that runs knows no such address."
    return Finding(
        id="apply.why", step="apply", state=state, title=one_line(address) or "apply", summary=said
    )


def _tell(finding: Finding, guide: Guide) -> None:
    print(finding.title)
    print(f"{SIGNS[finding.state]} {finding.summary}")
    width = max((len(fact.label) for fact in finding.facts), default=0)
    for fact in finding.facts:
        print(f"    {fact.label:<{width}}  {fact.value}")
    if finding.denied:
        print(f"    not allowed: {', '.join(finding.denied)} (docs/iam-policy.json has all that is needed)")
    for entry in guide.cited(finding.guide):
        print(f"    ecotui guide {entry}")
