"""`ecotui cleanup`: list the leftovers (the default), write a list of approved ones, or delete what is on such a list."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from checks.cleanup.approval import (
    Approval,
    ApprovalError,
    build_approval,
    describe_expiry,
    read_approval,
    resolve_keys,
    write_approval,
)
from checks.cleanup.model import CleanupDetail, DeletionState, Leftover, Ownership
from checks.context import CheckContext
from checks.finding import STATE_ICONS, CheckState, Report
from checks.sanitize import one_line
from config.prices import load_prices
from ecotui import exit_codes
from ecotui.cli.cleanup_progress import DeletionReporter
from ecotui.cli.context import check_context
from ecotui.cli.locks import configure_override as configure_holding
from ecotui.cli.locks import hold_locks
from ecotui.cli.printing import print_document

if TYPE_CHECKING:
    from checks.aws.session import AwsIdentity

MAX_NAMED_RESOURCES = 6
"""Resources that a row names of those that it uses, and of those before and after it."""
PAUSE_SECONDS = 5.0
"""Seconds before the first deletion; Ctrl-C in this time cancels without any change."""

DELETE_USAGE = """ecotui cleanup: --delete needs a person at a terminal, or a list that was approved before:
  ecotui cleanup                                          list the leftovers, and who owns each
  ecotui cleanup --approve-out cleanup.json --select KEY  write the list (or --select-proven)
  ecotui cleanup --delete --approve cleanup.json          delete what is on it, and nothing else"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--approve-out", metavar="FILE", help="write the list of what may be deleted")
    parser.add_argument(
        "--select",
        metavar="KEY",
        nargs="+",
        action="extend",
        default=[],
        help="kind:id, or a name of its own",
    )
    parser.add_argument(
        "--select-proven", action="store_true", help="everything that is proven to be ours (the default)"
    )
    parser.add_argument("--delete", action="store_true", help="delete; asks, or takes --approve FILE")
    parser.add_argument("--approve", metavar="FILE", help="the approved list to delete")
    parser.add_argument("--progress", action="store_true", help="with --delete: a JSON document a line")
    parser.add_argument(
        "--pause", metavar="SECONDS", type=float, default=PAUSE_SECONDS, help="before the first deletion"
    )

    parser.add_argument(
        "--script", action="store_true", help="show the team's own cleanup script beside what ecotui would delete"
    )
    parser.add_argument("--run", action="store_true", help="with --script: run it, then check again")
    configure_holding(parser)
    parser.add_argument("--agreed", metavar="TOKEN", default="", help="with --run: what --script has shown")


def run(args: argparse.Namespace) -> int:
    if args.script:
        from ecotui.cli.cleanup_script import run as run_script

        return run_script(args)
    if args.run or args.agreed:
        return _usage_error("--run and --agreed need --script")
    if args.approve and not args.delete:
        return _usage_error("--approve needs --delete")
    if args.delete and (args.approve_out or args.json):
        return _usage_error("--delete cannot be combined with --approve-out or --json")
    if args.approve and (args.select or args.select_proven):
        return _usage_error("--approve FILE names what is deleted: leave out --select")
    if args.delete and not args.approve and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(DELETE_USAGE, file=sys.stderr)
        return exit_codes.USAGE
    context = check_context(args)
    try:
        if args.approve:
            return _delete(context, read_approval(Path(args.approve)), args)
        from checks.cleanup.check import check_with_detail

        report, detail = check_with_detail(context)
        if args.delete:
            return _confirm_and_delete(context, report, detail, args)
        if args.approve_out:
            return _write_approval(report, detail, args)
    except ApprovalError as error:
        return _usage_error(str(error))
    if args.json:
        print_document("cleanup", cleanup_document(report, detail))
    else:
        _print_leftovers(report, detail)
    return exit_codes.exit_code_for(report.state)


def cleanup_document(report: Report, detail: CleanupDetail) -> dict[str, Any]:
    """The shape of `ecotui.cleanup/1`."""
    return {
        "account": detail.account,
        "region": detail.region,
        "resources": [
            {
                "kind": one.kind,
                "id": one.id,
                "name": one.name,
                "ownership": one.ownership.value,
                "blocked_by": list(one.blocked_by),
                "action": one.action,
            }
            for one in detail.resources
        ],
        # Beside the list, not in it: its rows are a contract of their own.
        "details": {
            one.key: {
                "why": one.why,
                "protected": one.protected,
                "preselected": one.preselected,
                "state": one.state,
                "size": one.size,
                "age_seconds": one.age_seconds,
                "uses": list(one.uses),
                "blocks": list(one.blocks),
                "billed": one.billed,
                "monthly": one.monthly,
            }
            for one in detail.resources
        },
        "prices": {
            "currency": load_prices().currency,
            "list": load_prices().list,
            "as_of": load_prices().as_of,
            "tax": "without",
        },
        "unknown": [
            {"id": finding.id, "summary": finding.summary, "denied": list(finding.denied)}
            for finding in report.findings
            if finding.state is CheckState.UNKNOWN
        ],
    }


def _usage_error(message: str) -> int:
    print(f"ecotui cleanup: {message}", file=sys.stderr)
    return exit_codes.USAGE


def _selected_keys(detail: CleanupDetail, args: argparse.Namespace) -> list[str]:
    keys = resolve_keys(detail, args.select)
    if args.select_proven or not args.select:
        keys += [one.key for one in detail.resources if one.preselected]
    return list(dict.fromkeys(keys))


def _write_approval(report: Report, detail: CleanupDetail, args: argparse.Namespace) -> int:
    if not detail.account:
        _print_leftovers(report, detail)
        return exit_codes.exit_code_for(report.state)
    approval = build_approval(detail, _selected_keys(detail, args))
    target = Path(args.approve_out)
    try:
        write_approval(approval, target)
    except OSError as error:
        print(f"ecotui cleanup: {target}: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    if args.json:
        print_document(
            "cleanup", {**cleanup_document(report, detail), "approved": [item.key for item in approval.items]}
        )
    else:
        print(f"{len(approval.items)} approved in account {approval.account}, written to {target}:")
        for item in approval.items:
            print(f"  {one_line(item.key)}")
        print(f"Delete them with: ecotui cleanup --delete --approve {target}")
    return exit_codes.OK


def _confirm_and_delete(context: CheckContext, report: Report, detail: CleanupDetail, args: argparse.Namespace) -> int:
    """Ask a person at the terminal to type the account's name and the number of items, then delete."""
    _print_leftovers(report, detail)
    approval = build_approval(detail, _selected_keys(detail, args))
    if not approval.items:
        print("Nothing is selected. Select leftovers with --select KEY.")
        return exit_codes.exit_code_for(report.state)
    phrase = f"{detail.account_name} {len(approval.items)}"
    print(f"\nThese {len(approval.items)} will be deleted for good in account {detail.account}:")
    for item in approval.items:
        print(f"  {one_line(item.key)}")
    try:
        typed = input(f'Type "{phrase}" to delete them, anything else to cancel: ')
    except EOFError:
        typed = ""
    if " ".join(typed.split()) != phrase:
        print("Cancelled; nothing was deleted.")
        return exit_codes.BLOCKED
    return _delete(context, approval, args)


def _delete(context: CheckContext, approval: Approval, args: argparse.Namespace) -> int:
    """Raises LockUnavailable when somebody else works on the project or in the account."""
    with hold_locks(context, args.override):
        return _delete_with_locks(context, approval, args)


def _delete_with_locks(context: CheckContext, approval: Approval, args: argparse.Namespace) -> int:
    from checks.cleanup.deletion import Deletion
    from checks.cleanup.known_resources import read_known_resources

    reporter = DeletionReporter(progress=args.progress, total=len(approval.items))
    if (code := _check_identity(context, approval, reporter)) is not None:
        return code
    known_resources = read_known_resources(context)
    if approval.state_read and not known_resources.state_read:
        reporter.print_line(
            f"terraform's state cannot be read any more ({known_resources.state_error}): nothing was deleted;"
            " repair it, then run the same command again",
            error=True,
        )
        return exit_codes.BLOCKED
    if not known_resources.state_read:
        reporter.print_line(
            f"terraform's state was not read ({known_resources.state_error}): only the approved list decides"
        )
    deletion = Deletion(context.aws, approval, context.settings.cleanup, known_resources, reporter.report)
    with _StopOnSignal(deletion.stop_event):
        if args.pause > 0 and approval.items:
            reporter.print_line(
                f"Deleting {len(approval.items)} in account {approval.account}"
                f" ({approval.account_name}), {approval.region}, in {args.pause:g} s; {'an interrupt (i)' if args.progress else 'Ctrl-C'} cancels"
            )
            if deletion.stop_event.wait(args.pause):
                reporter.print_line("Cancelled; nothing was deleted")
                return exit_codes.INTERRUPTED
        # The pause, and reading the state before it, take time in which a login can become another one.
        if (code := _check_identity(context, approval, reporter)) is not None:
            return code
        with reporter.heartbeat():
            outcome = deletion.run()
    return _rescan_and_report(context, approval, outcome, reporter, was_interrupted=deletion.stop_event.is_set())


def _check_identity(context: CheckContext, approval: Approval, reporter: DeletionReporter) -> int | None:
    """Ask AWS who we are. The exit code, after a message, when the list was approved for another account or region."""
    from checks.aws.errors import aws_error_types

    try:
        identity = context.aws.refetch_identity()
    except aws_error_types() as error:
        reporter.print_line(context.aws.explain(error, "sts:GetCallerIdentity").summary, error=True)
        return exit_codes.ERROR
    if refusal := _approval_mismatch(context, identity, approval):
        reporter.print_line(f"{refusal}; nothing was deleted", error=True)
        return exit_codes.USAGE
    return None


def _approval_mismatch(context: CheckContext, identity: AwsIdentity, approval: Approval) -> str:
    expected = context.settings.aws.account
    if identity.account != approval.account:
        return f"The list is for account {one_line(approval.account)}, this is {identity.account}"
    if expected and identity.account != expected:
        return f"This is account {identity.account}, the settings name {expected}"
    if context.aws.region != approval.region:
        return f"The list is for {one_line(approval.region)}, the region is now {context.aws.region}"
    return describe_expiry(approval, context.settings.cleanup.approval_hours)


def _rescan_and_report(
    context: CheckContext,
    approval: Approval,
    outcome: Mapping[str, tuple[DeletionState, str]],
    reporter: DeletionReporter,
    *,
    was_interrupted: bool,
) -> int:
    """Scan again, and only then say what is gone: AWS accepts deletions that it does not carry out."""
    from checks.cleanup.check import check_with_detail

    left = {
        key: f"{state.value}: {one_line(key)}: {message}"
        for key, (state, message) in outcome.items()
        if state in (DeletionState.FAILED, DeletionState.SKIPPED)
    }
    if was_interrupted:
        for line in left.values():
            reporter.print_line(line)
        reporter.print_line("Stopped. Run the same command again to continue")
        return exit_codes.INTERRUPTED
    reporter.print_line("Scanning again")
    report, detail = check_with_detail(context)
    listed = {one.key: one for one in detail.resources}
    for key, line in left.items():
        reporter.print_line(f"{line}{_describe_blockers(listed.get(key))}")
    remaining = {one.key for one in detail.resources if one.deletable}
    back = [key for key, (state, _) in outcome.items() if state is DeletionState.GONE and key in remaining]
    for key in back:
        reporter.print_line(f"still there, or created again: {one_line(key)}{_describe_blockers(listed[key])}")
    others = len(remaining - set(outcome))
    gone = sum(state is DeletionState.GONE for state, _ in outcome.values()) - len(back)
    rest = ""
    if others:
        rest = f"; {others} other leftover{' was' if others == 1 else 's were'} not on the list"
    unknown = [finding.id for finding in report.findings if finding.state is CheckState.UNKNOWN]
    unchecked = f"; could not check again: {', '.join(unknown)}" if unknown else ""
    reporter.print_line(f"{gone} of {len(approval.items)} gone{rest}{unchecked}")
    return exit_codes.OK if gone == len(approval.items) else exit_codes.BLOCKED


def _describe_blockers(leftover: Leftover | None) -> str:
    """What blocks a leftover, by the last scan; empty when it is no longer listed."""
    if leftover is None:
        return ""
    words = [
        f"blocked by {', '.join(map(one_line, leftover.blocked_by))}" if leftover.blocked_by else "",
        f"used by {', '.join(map(one_line, leftover.uses))}" if leftover.uses else "",
    ]
    text = "; ".join(filter(None, words))
    return f" ({text})" if text else ""


class _StopOnSignal:
    """Ctrl-C and SIGTERM end the deletion after the requests in progress; a second Ctrl-C ends it at once."""

    def __init__(self, stop_event: threading.Event) -> None:
        self._stop_event = stop_event
        self._previous_handlers: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous_handlers[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stop_event.is_set():
            os._exit(exit_codes.INTERRUPTED)
        self._stop_event.set()


def _print_leftovers(report: Report, detail: CleanupDetail) -> None:
    deletable = [one for one in detail.resources if one.deletable]
    others = [one for one in detail.resources if not one.deletable]
    if detail.account:
        print(f"Account {detail.account} ({detail.account_name}), {detail.region}")
    if deletable:
        print(f"\n{len(deletable)} left of an earlier deployment, in the order of deletion ([x]: proven to be ours)")
        for one in deletable:
            print(_format_row(one))
        if cost := detail.cost({one.key for one in deletable}):
            print(f"\nCost while they exist: {cost}")
    if others:
        managed = sum(one.ownership is Ownership.IN_STATE for one in others)
        print(f"\n{len(others)} not deletable: {managed} managed by terraform, {len(others) - managed} protected")
        for one in others:
            if one.protected:
                print(f"  {one.kind}  {one.name}  ({one.protected})")
    print()
    for finding in report.findings:
        print(f"{STATE_ICONS[finding.state]} {finding.summary}  [{finding.id}]")
        if finding.denied:
            print(f"    not allowed: {', '.join(finding.denied)}")
    if deletable:
        print("\nNothing was changed. To delete: ecotui cleanup --delete, or without a terminal:")
        print("  ecotui cleanup --approve-out cleanup.json --select KEY...")
        print("  ecotui cleanup --delete --approve cleanup.json")


def _format_row(leftover: Leftover) -> str:
    mark = "[x]" if leftover.preselected else "[ ]"
    proof = "name only: " if leftover.ownership is Ownership.NAME_ONLY else ""
    facts = ", ".join(
        filter(None, (f"{proof}{leftover.why}", leftover.state, leftover.size, leftover.age, leftover.cost))
    )
    lines = [f"  {mark} {one_line(leftover.key)}", f"        {leftover.name}: {facts}"]
    for word, keys in (("used by", leftover.uses), ("after", leftover.blocked_by), ("before", leftover.blocks)):
        if keys:
            more = f" and {len(keys) - MAX_NAMED_RESOURCES} more" if len(keys) > MAX_NAMED_RESOURCES else ""
            lines.append(f"        {word}: {', '.join(map(one_line, keys[:MAX_NAMED_RESOURCES]))}{more}")
    return "\n".join(lines)
