"""`ecotui cleanup --script`: the team's own cleanup script beside what `ecotui cleanup` would delete, and running it."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from checks.finding import STATE_ICONS, CheckState
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import is_interactive, print_document
from ecotui.cli.script import current_account, print_script_summary, run_team_script

if TYPE_CHECKING:
    from checks.cleanup.model import CleanupDetail, Leftover
    from checks.cleanup.team_script import CleanupScript
    from checks.context import CheckContext

OK, WARN, BLOCKED, UNKNOWN = (
    STATE_ICONS[state] for state in (CheckState.OK, CheckState.WARN, CheckState.BLOCKED, CheckState.UNKNOWN)
)


def run(args: argparse.Namespace) -> int:
    from checks.cleanup.check import check_with_detail
    from checks.cleanup.kinds import KINDS_BY_ID
    from checks.cleanup.team_script import cleanup_script

    if args.delete or args.approve or args.approve_out or args.select:
        return _print_refusal("--script goes with neither --delete nor a list", exit_codes.USAGE)
    if args.run and args.json:
        return _print_refusal("--json does not go with --run", exit_codes.USAGE)
    if args.agreed and not args.run:
        return _print_refusal("--agreed goes with --run", exit_codes.USAGE)
    context = check_context(args)
    account, reason = current_account(context)
    if reason:
        return _print_refusal(f"{reason}; nothing was checked")
    _, detail = check_with_detail(context)
    preview = cleanup_script(context, detail, tuple(KINDS_BY_ID))
    if args.run:
        return _confirm_and_run(context, preview, detail, args, account)
    if args.json:
        print_document("cleanup-script", _document(preview, account), version=2)
    else:
        _print_preview(preview)
    return exit_codes.BLOCKED if preview.script.trouble or preview.script.missing else exit_codes.WARNINGS


def _document(preview: CleanupScript, account: str) -> dict[str, object]:
    """The shape of `ecotui.cleanup-script/2`. /1 predicted what the script would delete (`aim`, `hits`)."""
    from checks.cleanup.team_script import ownership_text

    def rows(leftovers: tuple[Leftover, ...]) -> list[dict[str, str]]:
        return [
            {
                "key": one.key,
                "kind": one.kind,
                "name": one.name,
                "ownership": one.ownership.value,
                "fate": ownership_text(one),
            }
            for one in leftovers
        ]

    return {
        "standing": msgspec.to_builtins(preview.script),
        "leftovers": rows(preview.leftovers),
        "spared": rows(preview.spared),
        "unseen": list(preview.unchecked),
        "token": preview.token,
        "account": account,
    }


def _print_refusal(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui cleanup --script: {reason}", file=sys.stderr)
    return code


def _print_preview(preview: CleanupScript) -> None:
    from checks.cleanup.team_script import OWN_RULES, ownership_text

    if not print_script_summary(preview.script, "cleanup.variables"):
        return
    print(f"{WARN} {OWN_RULES}. It may delete more than the list below, or less.")
    for title, symbol, leftovers in (
        ("ecotui cleanup would delete", OK, preview.leftovers),
        ("ecotui cleanup would not delete, the script may", BLOCKED, preview.spared),
    ):
        print(f"{title}: {'' if leftovers else 'nothing'}".rstrip())
        for one in leftovers:
            print(f"  {symbol} {one.kind} {one_line(one.name)}: {ownership_text(one)}; {one_line(one.why)}")
    for kind in preview.unchecked:
        print(f"  {UNKNOWN} could not check every {kind}")
    if not preview.script.missing:
        print(f"To run it: ecotui cleanup --script --run --agreed {preview.token}")


def _confirm_and_run(
    context: CheckContext, preview: CleanupScript, before: CleanupDetail, args: argparse.Namespace, account: str
) -> int:
    from ecotui.session import SessionError

    script = preview.script
    if script.trouble:
        return _print_refusal(script.trouble)
    if script.missing:
        return _print_refusal(f"{', '.join(script.missing)} not set, and the script needs it; nothing was run")
    if args.agreed and args.agreed != preview.token:
        _print_preview(preview)
        return _print_refusal("the script or the list changed since you agreed; nothing was run")
    if not args.agreed and not _confirm_run(preview, f"{before.account_name} {len(preview.leftovers)}"):
        return exit_codes.USAGE if not sys.stdin.isatty() else exit_codes.INTERRUPTED
    if args.pause > 0:
        print(f"Running it in account {account} in {args.pause:g} s; Ctrl-C cancels", flush=True)
        try:
            time.sleep(args.pause)
        except KeyboardInterrupt:
            print("Cancelled; nothing was run")
            return exit_codes.INTERRUPTED
        # During the pause the login may have changed.
        account_now, reason = current_account(context)
        if reason or account_now != account:
            return _print_refusal(f"{reason or f'this is now account {account_now}'}; nothing was run")
    try:
        code = run_team_script(
            context,
            script,
            step="cleanup",
            stages=context.settings.cleanup.stages,
            leftovers_hint="ecotui now checks what it left",
            overrides=args.override,
        )
    except SessionError as error:
        return _print_refusal(str(error), exit_codes.ERROR)
    is_clean = _rescan(context, before)
    return code if code != exit_codes.OK or is_clean else exit_codes.BLOCKED


def _confirm_run(preview: CleanupScript, phrase: str) -> bool:
    if not is_interactive():
        _print_refusal("without a terminal, --agreed TOKEN names what --script has shown")
        return False
    _print_preview(preview)
    print("From here on the script deletes what it selects; ecotui neither lists nor orders it.")
    try:
        answer = input(f'Type "{phrase}" to run it, anything else to cancel: ')
    except EOFError:
        answer = ""
    if " ".join(answer.split()) == phrase:
        return True
    print("Cancelled; nothing was run")
    return False


def _rescan(context: CheckContext, before: CleanupDetail) -> bool:
    """Report what is left, what is new, and what the script deleted although it must not; True when there is none."""
    from checks.cleanup.check import check_with_detail

    print("Checking again", flush=True)
    report, after = check_with_detail(context)
    unchecked = [finding.id for finding in report.findings if finding.state is CheckState.UNKNOWN]
    deletable = {one.key for one in before.resources if one.deletable}
    present = {one.key for one in after.resources}
    left = [one for one in after.resources if one.deletable]
    for one in left:
        word = "left" if one.key in deletable else "came back, or is new"
        blocked = f"; blocked by {', '.join(map(one_line, one.blocked_by))}" if one.blocked_by else ""
        used = f"; used by {', '.join(one.uses)}" if one.uses else ""
        print(f"{BLOCKED} {word}: {one_line(one.key)} {one.name}: {one.size or one.why}{blocked}{used}")
    lost = _lost_resources(context, before, after)
    for one, fate in lost:
        print(f"{BLOCKED} gone, and was not to be deleted: {one.kind} {one.name} ({fate})")
    if unchecked:
        print(f"{UNKNOWN} could not check again: {', '.join(unchecked)}")
    gone = len(deletable - present)
    print(f"{gone} of {len(deletable)} leftovers gone, {len(left)} left" + (f", {len(lost)} lost" if lost else ""))
    return not left and not lost and not unchecked


def _lost_resources(context: CheckContext, before: CleanupDetail, after: CleanupDetail) -> list[tuple[Leftover, str]]:
    """Protected resources that are gone, and those that are gone while terraform's state still holds them."""
    from checks.cleanup.kinds import KINDS_BY_ID
    from checks.cleanup.known_resources import read_known_resources
    from checks.cleanup.model import AwsResource, Ownership
    from checks.cleanup.ownership import is_in_state
    from checks.cleanup.team_script import ownership_text

    unchecked = set(after.not_looked_at)
    present = {one.key for one in after.resources}
    gone = [
        one
        for one in before.resources
        if not one.deletable and one.key not in present and one.kind not in unchecked and after.looked_at
    ]
    if not gone:
        return []
    known = read_known_resources(context)
    lost = []
    for one in gone:
        resource = AwsResource(kind=one.kind, id=one.id, name=one.name, arn=one.arn)
        # `terraform destroy` in the script takes its resources out of the state as well: those are not lost.
        if one.ownership is not Ownership.IN_STATE or is_in_state(
            resource, known, KINDS_BY_ID[one.kind].terraform_types
        ):
            lost.append((one, ownership_text(one)))
    return lost
