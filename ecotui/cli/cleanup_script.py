"""`ecotui cleanup --script`: what the team's own cleanup script would hit; running it; and looking again after it."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from checks.finding import CheckState
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import STATE_SYMBOLS, print_document

if TYPE_CHECKING:
    from checks.cleanup.model import CleanupDetail
    from checks.cleanup.script.impact import Foreseen
    from checks.context import CheckContext

RESCAN_NOTICE = "What is left of it is looked at now"


def run(args: argparse.Namespace) -> int:
    from checks.cleanup.known_resources import read_known_resources
    from checks.cleanup.script.impact import foresee

    if args.delete or args.approve or args.approve_out or args.select:
        return _print_refusal("--script goes with neither --delete nor a list", exit_codes.USAGE)
    if args.run and args.json:
        return _print_refusal("--json shows what the script would hit, and does not go with --run", exit_codes.USAGE)
    if args.agreed and not args.run:
        return _print_refusal("--agreed goes with --run", exit_codes.USAGE)
    where = check_context(args)
    from ecotui.cli.script import current_account

    account, reason = current_account(where)
    if reason:
        return _print_refusal(f"{reason}; nothing was looked at", exit_codes.BLOCKED)
    seen = foresee(where, read_known_resources(where))
    if args.json:
        print_document("cleanup-script", {**msgspec.to_builtins(seen), "token": seen.token, "account": account})
    elif not args.run:
        _print_prediction(seen)
    if not args.run:
        if seen.standing.trouble or seen.standing.missing:
            return exit_codes.BLOCKED
        doubtful = seen.spared or seen.aim.blind or seen.unseen or not seen.standing.file
        return exit_codes.WARNINGS if doubtful else exit_codes.OK
    return _run_and_rescan(where, seen, args, account)


def _print_refusal(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui cleanup --script: {reason}", file=sys.stderr)
    return code


def _print_prediction(prediction: Foreseen) -> None:
    from ecotui.cli.script import print_script_summary

    found = prediction.standing
    if not print_script_summary(found, "cleanup.variables"):
        return
    if not found.file:
        print(f"{STATE_SYMBOLS[CheckState.UNKNOWN]} It is no file of the project: what it would hit was not read")
    for title, hits in (
        ("Not to be deleted, and it would hit them", prediction.spared),
        ("Leftovers that it would hit", [one for one in prediction.hits if not one.spared]),
    ):
        if hits:
            print(f"{title}:")
        for one in hits:
            sign = STATE_SYMBOLS[CheckState.BLOCKED if one.spared else CheckState.OK]
            print(f"  {sign} {one.kind} {one.name}: {one.fate}; {one.by}")
    for place in prediction.aim.destroys:
        print(f"  {STATE_SYMBOLS[CheckState.WARN]} terraform destroy ({place}): everything in the state goes")
    if prediction.aim.blind:
        print("Cannot be read out of it, and may hit anything:")
    for line in prediction.aim.blind:
        print(f"  {STATE_SYMBOLS[CheckState.UNKNOWN]} {line.file}:{line.number}: {line.why}: {line.text}")
    for kind in prediction.unseen:
        print(f"  {STATE_SYMBOLS[CheckState.UNKNOWN]} could not look at every {kind}")
    if not prediction.hits and not prediction.aim.blind and found.file:
        print(f"{STATE_SYMBOLS[CheckState.WARN]} By its text it would hit nothing that is there")
    print("It was read, not run: what it puts together at run time is not seen.")
    if not found.missing:
        print(f"To run it: ecotui cleanup --script --run --agreed {prediction.token}")


def _run_and_rescan(context: CheckContext, prediction: Foreseen, args: argparse.Namespace, account: str) -> int:
    from checks.cleanup.check import account_name, check_with_detail
    from checks.cleanup.script.impact import foresee
    from ecotui.cli.script import current_account, run_team_script
    from ecotui.session import SessionError

    if prediction.standing.trouble:
        return _print_refusal(prediction.standing.trouble)
    if prediction.standing.missing:
        return _print_refusal(
            f"{', '.join(prediction.standing.missing)} not set, and the script needs it; nothing was run"
        )
    if args.agreed and args.agreed != prediction.token:
        _print_prediction(prediction)
        return _print_refusal("the script, or what it would hit, is not what was agreed to; nothing was run")
    if not args.agreed:
        phrase = f"{account_name(context, context.aws.identity())} {len(prediction.hits)}"
        if not _confirm_run(prediction, phrase):
            return exit_codes.USAGE if not sys.stdin.isatty() else exit_codes.INTERRUPTED
    _, before = check_with_detail(context)
    if args.pause > 0:
        print(
            f"Running it in account {account} in {args.pause:g} s; Ctrl-C leaves everything as it is",
            flush=True,
        )
        try:
            time.sleep(args.pause)
        except KeyboardInterrupt:
            print("Left as it is: nothing was run")
            return exit_codes.INTERRUPTED
        # The pause takes time in which a login can become another one.
        now, reason = current_account(context)
        if reason or now != account:
            return _print_refusal(f"{reason or f'this is now account {now}'}; nothing was run")
    try:
        code = run_team_script(
            context,
            prediction.standing,
            step="cleanup",
            stages=context.settings.cleanup.stages,
            leftovers_hint=RESCAN_NOTICE,
            overrides=args.override,
        )
    except SessionError as error:
        return _print_refusal(str(error), exit_codes.ERROR)
    from checks.cleanup.known_resources import read_known_resources

    print("Looking again", flush=True)
    report, after = check_with_detail(context)
    unseen = [finding.id for finding in report.findings if finding.state is CheckState.UNKNOWN]
    again = foresee(context, read_known_resources(context))
    whole = _report_rescan(prediction, again, before, after, unseen)
    return code if code != exit_codes.OK or whole else exit_codes.BLOCKED


def _confirm_run(prediction: Foreseen, phrase: str) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "ecotui cleanup --script: without a terminal, --agreed TOKEN names what --script has shown",
            file=sys.stderr,
        )
        return False
    _print_prediction(prediction)
    print("From here on it deletes what it means, with no list and no order of ecotui's.")
    try:
        answer = input(f'Type "{phrase}" to run it, anything else to leave: ')
    except EOFError:
        answer = ""
    if " ".join(answer.split()) == phrase:
        return True
    print("Left as it is: nothing was run")
    return False


def _report_rescan(
    prediction: Foreseen, prediction_after: Foreseen, before: CleanupDetail, after: CleanupDetail, unchecked: list[str]
) -> bool:
    """What is left, what is new, what went that was not to go; True when nothing is left and nothing was lost."""
    was = {one.key for one in before.resources if one.deletable}
    left = [one for one in after.resources if one.deletable]
    for one in left:
        held = f"; blocked by {', '.join(map(one_line, one.blocked_by))}" if one.blocked_by else ""
        used = f"; used by {', '.join(one.uses)}" if one.uses else ""
        word = "left" if one.key in was else "came back, or is new"
        print(
            f"{STATE_SYMBOLS[CheckState.BLOCKED]} {word}: {one_line(one.key)} {one.name}: {one.size or one.why}{held}{used}"
        )
    still = {one.key for one in prediction_after.hits}
    lost = [one for one in prediction.spared if one.key not in still and one.kind not in prediction_after.unseen]
    for hit in lost:
        print(
            f"{STATE_SYMBOLS[CheckState.BLOCKED]} gone, and was not to be deleted: {hit.kind} {hit.name} ({hit.fate})"
        )
    if unchecked or prediction_after.unseen:
        print(
            f"{STATE_SYMBOLS[CheckState.UNKNOWN]} could not look again: {', '.join([*unchecked, *prediction_after.unseen])}"
        )
    gone = len(was - {one.key for one in after.resources})
    print(f"{gone} of {len(was)} leftovers gone, {len(left)} left" + (f", {len(lost)} lost" if lost else ""))
    return not left and not lost and not unchecked
