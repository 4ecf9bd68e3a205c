"""`ecotui why`: why a resource of the apply that runs is not done yet, by what AWS shows of it."""

from __future__ import annotations

import argparse
import time

import msgspec

from checks.finding import STATE_ICONS, CheckState, Finding, Report
from checks.sanitize import one_line
from config.folders import state_folder
from config.model import GuideSettings
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import print_document
from ecotui.stream import StepReport, encode_message


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
    from checks.apply.run.why.check import explain_running
    from ecotui.history import current_apply
    from ecotui.session import store

    begun = time.time()
    where = check_context(args)
    shelf = store.SessionStore(state_folder(where.settings, where.env))
    found = current_apply.find_current_apply(shelf, where.project)
    rows = found.progress.running_operations if found and found.is_running else ()
    address = args.address or (min(rows, key=lambda row: row.started_at).address if rows else "")
    asked = None
    if found and found.is_running and address:
        asked = found.describe_running_resource(
            address, time.time(), current_apply.read_resource_duration_stats(shelf, where.project, found, address)
        )
    finding = _not_running_finding(found, address) if asked is None else explain_running(where, asked)
    if args.stream:
        report = Report(step="apply", findings=(finding,), started=begun, seconds=time.time() - begun, detail=None)
        print(encode_message(StepReport(report=report)).decode())
    elif args.json:
        print_document("why", {"address": address, "finding": msgspec.to_builtins(finding)})
    else:
        _print_finding(finding, where.settings.guide)
    return exit_codes.exit_code_for(finding.state)


def _not_running_finding(current_apply: object, address: str) -> Finding:
    """Nothing to look at: why not."""
    from ecotui.history.current_apply import CurrentApply

    said, state = "No apply of this project is on record.", CheckState.SKIPPED
    if isinstance(current_apply, CurrentApply):
        done = next((one for one in current_apply.progress.finished_operations if one.address == address), None)
        broken = any(one.address == address for one in current_apply.progress.failed_operations)
        if done:
            said = f"It is done: {done.action} took {done.duration:g} s."
        elif broken:
            said, state = "It has failed; the run's errors say why.", CheckState.BLOCKED
        elif not current_apply.is_running:
            said = "No apply runs now."
        elif not address:
            said = "Nothing is being worked on at this moment."
        else:
            known = current_apply.plan and any(one.address == address for one in current_apply.plan.changes)
            said = "It was not begun yet." if known else "The apply that runs knows no such address."
    return Finding(id="apply.why", step="apply", state=state, title=one_line(address) or "apply", summary=said)


def _print_finding(finding: Finding, guide: GuideSettings) -> None:
    print(finding.title)
    print(f"{STATE_ICONS[finding.state]} {finding.summary}")
    width = max((len(fact.label) for fact in finding.facts), default=0)
    for fact in finding.facts:
        print(f"    {fact.label:<{width}}  {fact.value}")
    if finding.denied:
        print(f"    not allowed: {', '.join(finding.denied)} (docs/iam-policy.json has all that is needed)")
    for entry in guide.qualify_entry_numbers(finding.guide):
        print(f"    ecotui guide {entry}")
