"""`ecotui cleanup`: list the leftovers (always the default), approve a list of them, delete what is on such a list."""

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

from checks.cleanup.approval import Approval, ApprovalError, approve, find, read, write
from checks.cleanup.model import CleanupDetail, ItemState, Leftover, Ownership
from checks.context import World
from checks.finding import Report, State
from checks.sanitize import one_line
from config.prices import prices
from ecotui import exit_codes
from ecotui.cli.cleanup_progress import Teller
from ecotui.cli.context import world
from ecotui.cli.locks import configure as configure_holding
from ecotui.cli.locks import holding
from ecotui.cli.printing import SIGNS, document

if TYPE_CHECKING:
    from checks.aws.session import Identity

SHOWN = 6
"""Others that a row names: what it waits for, what waits for it."""
PAUSE = 5.0
"""Seconds before the first deletion, in which Ctrl-C changes nothing at all."""

HOW = """ecotui cleanup: --delete needs a person at a terminal, or a list that was approved before:
  ecotui cleanup                                          what is left, and whose it is
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
        "--pause", metavar="SECONDS", type=float, default=PAUSE, help="before the first deletion"
    )

    parser.add_argument(
        "--script", action="store_true", help="what the team's own cleanup script would hit, before it runs"
    )
    parser.add_argument("--run", action="store_true", help="with --script: run it, and look again")
    configure_holding(parser)
    parser.add_argument("--agreed", metavar="TOKEN", default="", help="with --run: what --script has shown")


def run(args: argparse.Namespace) -> int:
    if args.script:
        from ecotui.cli.cleanup_script import run as run_script

        return run_script(args)
    if args.run or args.agreed:
        return _usage("--run and --agreed go with --script")
    if args.approve and not args.delete:
        return _usage("--approve goes with --delete")
    if args.delete and (args.approve_out or args.json):
        return _usage("--delete goes with neither --approve-out nor --json")
    if args.approve and (args.select or args.select_proven):
        return _usage("--approve FILE says what is deleted: --select has no place beside it")
    if args.delete and not args.approve and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(HOW, file=sys.stderr)
        return exit_codes.USAGE
    where = world(args)
    try:
        if args.approve:
            return _delete(where, read(Path(args.approve)), args)
        from checks.cleanup.check import examine

        report, detail = examine(where)
        if args.delete:
            return _ask_and_delete(where, report, detail, args)
        if args.approve_out:
            return _approve(report, detail, args)
    except ApprovalError as error:
        return _usage(str(error))
    if args.json:
        document("cleanup", public(report, detail))
    else:
        _print(report, detail)
    return exit_codes.of(report.state)


def public(report: Report, detail: CleanupDetail) -> dict[str, Any]:
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
            "currency": prices().currency,
            "list": prices().list,
            "as_of": prices().as_of,
            "tax": "without",
        },
        "unknown": [
            {"id": finding.id, "summary": finding.summary, "denied": list(finding.denied)}
            for finding in report.findings
            if finding.state is State.UNKNOWN
        ],
    }


def _usage(message: str) -> int:
    print(f"ecotui cleanup: {message}", file=sys.stderr)
    return exit_codes.USAGE


def _selected(detail: CleanupDetail, args: argparse.Namespace) -> list[str]:
    keys = find(detail, args.select)
    if args.select_proven or not args.select:
        keys += [one.key for one in detail.resources if one.preselected]
    return list(dict.fromkeys(keys))


def _approve(report: Report, detail: CleanupDetail, args: argparse.Namespace) -> int:
    if not detail.account:
        _print(report, detail)
        return exit_codes.of(report.state)
    approval = approve(detail, _selected(detail, args))
    target = Path(args.approve_out)
    try:
        write(approval, target)
    except OSError as error:
        print(f"ecotui cleanup: {target}: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    if args.json:
        document("cleanup", {**public(report, detail), "approved": [item.key for item in approval.items]})
    else:
        print(f"{len(approval.items)} approved in account {approval.account}, written to {target}:")
        for item in approval.items:
            print(f"  {one_line(item.key)}")
        print(f"Delete them with: ecotui cleanup --delete --approve {target}")
    return exit_codes.OK


def _ask_and_delete(where: World, report: Report, detail: CleanupDetail, args: argparse.Namespace) -> int:
    """The consent of a person at the terminal: the account's name and the number of items, typed."""
    _print(report, detail)
    approval = approve(detail, _selected(detail, args))
    if not approval.items:
        print("Nothing is selected: name what you mean with --select KEY.")
        return exit_codes.of(report.state)
    phrase = f"{detail.account_name} {len(approval.items)}"
    print(f"\nThese {len(approval.items)} will be deleted for good in account {detail.account}:")
    for item in approval.items:
        print(f"  {one_line(item.key)}")
    try:
        typed = input(f'Type "{phrase}" to delete them, anything else to leave: ')
    except EOFError:
        typed = ""
    if " ".join(typed.split()) != phrase:
        print("Nothing was deleted.")
        return exit_codes.BLOCKED
    return _delete(where, approval, args)


def _delete(where: World, approval: Approval, args: argparse.Namespace) -> int:
    """Raises Refused when somebody else works on the project or in the account."""
    with holding(where, args.override):
        return _delete_held(where, approval, args)


def _delete_held(where: World, approval: Approval, args: argparse.Namespace) -> int:
    from checks.cleanup.deletion import Deletion
    from checks.cleanup.known_resources import known

    say = Teller(progress=args.progress, total=len(approval.items))
    if (code := _refused(where, approval, say)) is not None:
        return code
    knowledge = known(where)
    if not knowledge.state_read:
        say.line(f"terraform's state was not read ({knowledge.why_unread}): only the approved list decides")
    deletion = Deletion(where.aws, approval, where.settings.cleanup, knowledge, say.tell)
    with _stoppable(deletion.stopping):
        if args.pause > 0 and approval.items:
            say.line(
                f"Deleting {len(approval.items)} in account {approval.account}"
                f" ({approval.account_name}), {approval.region}, in {args.pause:g} s; {'an interrupt (i)' if args.progress else 'Ctrl-C'} leaves everything as it is"
            )
            if deletion.stopping.wait(args.pause):
                say.line("Left as it is: nothing was deleted")
                return exit_codes.INTERRUPTED
        # The pause, and reading the state before it, take time in which a login can become another one.
        if (code := _refused(where, approval, say)) is not None:
            return code
        with say.heartbeat():
            outcome = deletion.run()
    return _conclude(where, approval, outcome, say, stopped=deletion.stopping.is_set())


def _refused(where: World, approval: Approval, say: Teller) -> int | None:
    """The exit code when we are not who the list was approved for, which is said then; asked right now."""
    from checks.aws.session import errors

    try:
        identity = where.aws.identity_now()
    except errors() as error:
        say.line(where.aws.explain(error, "sts:GetCallerIdentity").summary, error=True)
        return exit_codes.ERROR
    if refusal := _mismatch(where, identity, approval):
        say.line(f"{refusal}; nothing was deleted", error=True)
        return exit_codes.USAGE
    return None


def _mismatch(where: World, identity: Identity, approval: Approval) -> str:
    wanted = where.settings.aws.account
    if identity.account != approval.account:
        return f"The list is for account {one_line(approval.account)}, this is {identity.account}"
    if wanted and identity.account != wanted:
        return f"This is account {identity.account}, the settings name {wanted}"
    if where.aws.region != approval.region:
        return f"The list is for {one_line(approval.region)}, the region is now {where.aws.region}"
    return ""


def _conclude(
    where: World,
    approval: Approval,
    outcome: Mapping[str, tuple[ItemState, str]],
    say: Teller,
    *,
    stopped: bool,
) -> int:
    """Look again, and only then say what is gone: a deletion proves nothing, a look does."""
    from checks.cleanup.check import examine

    left = {
        key: f"{state.value}: {one_line(key)}: {message}"
        for key, (state, message) in outcome.items()
        if state in (ItemState.FAILED, ItemState.SKIPPED)
    }
    if stopped:
        for line in left.values():
            say.line(line)
        say.line("Stopped; the same command goes on where this one ended")
        return exit_codes.INTERRUPTED
    say.line("Looking again")
    report, detail = examine(where)
    listed = {one.key: one for one in detail.resources}
    for key, line in left.items():
        say.line(f"{line}{_held(listed.get(key))}")
    still = {one.key for one in detail.resources if one.deletable}
    back = [key for key, (state, _) in outcome.items() if state is ItemState.GONE and key in still]
    for key in back:
        say.line(f"came back, or is shown still: {one_line(key)}{_held(listed[key])}")
    others = len(still - set(outcome))
    gone = sum(state is ItemState.GONE for state, _ in outcome.values()) - len(back)
    rest = ""
    if others:
        rest = f"; {others} other leftover{' was' if others == 1 else 's were'} not on the list"
    unseen = [finding.id for finding in report.findings if finding.state is State.UNKNOWN]
    blind = f"; could not look again: {', '.join(unseen)}" if unseen else ""
    say.line(f"{gone} of {len(approval.items)} gone{rest}{blind}")
    return exit_codes.OK if gone == len(approval.items) else exit_codes.BLOCKED


def _held(one: Leftover | None) -> str:
    """What keeps a leftover from going, as the last look saw it; empty when it no longer shows."""
    if one is None:
        return ""
    words = [
        f"blocked by {', '.join(map(one_line, one.blocked_by))}" if one.blocked_by else "",
        f"used by {', '.join(map(one_line, one.uses))}" if one.uses else "",
    ]
    told = "; ".join(filter(None, words))
    return f" ({told})" if told else ""


class _stoppable:
    """Ctrl-C and SIGTERM end the deletion after what is under way; a second Ctrl-C ends it at once."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._stop)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            os._exit(exit_codes.INTERRUPTED)
        self._stopping.set()


def _print(report: Report, detail: CleanupDetail) -> None:
    left = [one for one in detail.resources if one.deletable]
    kept = [one for one in detail.resources if not one.deletable]
    if detail.account:
        print(f"Account {detail.account} ({detail.account_name}), {detail.region}")
    if left:
        print(
            f"\n{len(left)} left of an earlier deployment, in the order of deletion ([x]: proven to be ours)"
        )
        for one in left:
            print(_row(one))
        if cost := detail.cost({one.key for one in left}):
            print(f"\nWhile they lie about: {cost}")
    if kept:
        managed = sum(one.ownership is Ownership.IN_STATE for one in kept)
        print(f"\n{len(kept)} kept: {managed} managed by terraform, {len(kept) - managed} protected")
        for one in kept:
            if one.protected:
                print(f"  {one.kind}  {one.name}  ({one.protected})")
    print()
    for finding in report.findings:
        print(f"{SIGNS[finding.state]} {finding.summary}  [{finding.id}]")
        if finding.denied:
            print(f"    not allowed: {', '.join(finding.denied)}")
    if left:
        print("\nNothing was changed. To delete: ecotui cleanup --delete, or without a terminal:")
        print("  ecotui cleanup --approve-out cleanup.json --select KEY...")
        print("  ecotui cleanup --delete --approve cleanup.json")


def _row(one: Leftover) -> str:
    mark = "[x]" if one.preselected else "[ ]"
    proof = "name only: " if one.ownership is Ownership.NAME_ONLY else ""
    facts = ", ".join(filter(None, (f"{proof}{one.why}", one.state, one.size, one.age, one.cost)))
    lines = [f"  {mark} {one_line(one.key)}", f"        {one.name}: {facts}"]
    for word, others in (("used by", one.uses), ("after", one.blocked_by), ("before", one.blocks)):
        if others:
            more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
            lines.append(f"        {word}: {', '.join(map(one_line, others[:SHOWN]))}{more}")
    return "\n".join(lines)
