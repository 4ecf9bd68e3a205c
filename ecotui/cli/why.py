"""`ecotui why`: why a resource of the running apply is not done yet, by what AWS shows of it."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import msgspec

from checks.finding import STATE_ICONS, CheckState, Finding, Report, build_finding
from checks.sanitize import one_line
from config.folders import state_folder
from config.model import GuideSettings
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import print_document
from ecotui.stream import StepReport, encode_message

if TYPE_CHECKING:
    from ecotui.history.current_apply import CurrentApply


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        nargs="?",
        help="the resource, as terraform calls it (default: the one that runs longest)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)  # a Report, for the screen


def run(args: argparse.Namespace) -> int:
    """Exit code by what was found: 0 it goes on, 4 a warning, 3 it will fail or could not be checked."""
    from checks.apply.run.why.check import explain_running
    from ecotui.history.current_apply import find_current_apply, read_resource_duration_stats
    from ecotui.session.store import SessionStore

    started = time.time()
    context = check_context(args)
    sessions = SessionStore(state_folder(context.settings, context.env))
    apply = find_current_apply(sessions, context.project)
    operations = apply.progress.running_operations if apply and apply.is_running else ()
    oldest = min(operations, key=lambda one: one.started_at, default=None)
    address = args.address or (oldest.address if oldest else "")
    resource = None
    if apply and apply.is_running and address:
        durations = read_resource_duration_stats(sessions, context.project, apply, address)
        resource = apply.describe_running_resource(address, time.time(), durations)
    finding = explain_running(context, resource) if resource else _not_running_finding(apply, address)
    if args.stream:
        report = Report(step="apply", findings=(finding,), started=started, seconds=time.time() - started, detail=None)
        print(encode_message(StepReport(report=report)).decode())
    elif args.json:
        print_document("why", {"address": address, "finding": msgspec.to_builtins(finding)})
    else:
        _print_finding(finding, context.settings.guide)
    return exit_codes.exit_code_for(finding.state)


def _not_running_finding(apply: CurrentApply | None, address: str) -> Finding:
    """Why there is nothing to check."""
    summary, state = "No apply of this project is on record.", CheckState.SKIPPED
    if apply:
        finished = next((one for one in apply.progress.finished_operations if one.address == address), None)
        if finished:
            summary = f"It is done: {finished.action} took {finished.duration:g} s."
        elif any(one.address == address for one in apply.progress.failed_operations):
            summary, state = "It has failed; the run's errors say why.", CheckState.BLOCKED
        elif not apply.is_running:
            summary = "No apply runs now."
        elif not address:
            summary = "Nothing is being worked on at this moment."
        elif apply.plan and any(one.address == address for one in apply.plan.changes):
            summary = "It was not begun yet."
        else:
            summary = "The apply that runs knows no such address."
    return build_finding("apply", "why", state, one_line(address) or "apply", summary)


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
