"""`ecotui cleanup --script`: what the team's own cleanup script would hit; running it; and looking again after it."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from checks.finding import State
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.printing import SIGNS, document

if TYPE_CHECKING:
    from checks.cleanup.model import CleanupDetail
    from checks.cleanup.script.impact import Foreseen
    from checks.context import World

LEFT = "What is left of it is looked at now"


def run(args: argparse.Namespace) -> int:
    from checks.cleanup.known_resources import known
    from checks.cleanup.script.impact import foresee

    if args.delete or args.approve or args.approve_out or args.select:
        return _refuse("--script goes with neither --delete nor a list", exit_codes.USAGE)
    if args.run and args.json:
        return _refuse("--json shows what the script would hit, and does not go with --run", exit_codes.USAGE)
    if args.agreed and not args.run:
        return _refuse("--agreed goes with --run", exit_codes.USAGE)
    where = world(args)
    from ecotui.cli.script import account_now

    account, reason = account_now(where)
    if reason:
        return _refuse(f"{reason}; nothing was looked at", exit_codes.BLOCKED)
    seen = foresee(where, known(where))
    if args.json:
        document("cleanup-script", {**msgspec.to_builtins(seen), "token": seen.token, "account": account})
    elif not args.run:
        _show(seen)
    if not args.run:
        if seen.standing.trouble or seen.standing.missing:
            return exit_codes.BLOCKED
        doubtful = seen.spared or seen.aim.blind or seen.unseen or not seen.standing.file
        return exit_codes.WARNINGS if doubtful else exit_codes.OK
    return _run(where, seen, args, account)


def _refuse(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui cleanup --script: {reason}", file=sys.stderr)
    return code


def _show(seen: Foreseen) -> None:
    from ecotui.cli.script import shown

    found = seen.standing
    if not shown(found, "cleanup.variables"):
        return
    if not found.file:
        print(f"{SIGNS[State.UNKNOWN]} It is no file of the project: what it would hit was not read")
    for title, hits in (
        ("Not to be deleted, and it would hit them", seen.spared),
        ("Leftovers that it would hit", [one for one in seen.hits if not one.spared]),
    ):
        if hits:
            print(f"{title}:")
        for one in hits:
            sign = SIGNS[State.BLOCKED if one.spared else State.OK]
            print(f"  {sign} {one.kind} {one.name}: {one.fate}; {one.by}")
    for place in seen.aim.destroys:
        print(f"  {SIGNS[State.WARN]} terraform destroy ({place}): everything in the state goes")
    if seen.aim.blind:
        print("Cannot be read out of it, and may hit anything:")
    for line in seen.aim.blind:
        print(f"  {SIGNS[State.UNKNOWN]} {line.file}:{line.number}: {line.why}: {line.text}")
    for kind in seen.unseen:
        print(f"  {SIGNS[State.UNKNOWN]} could not look at every {kind}")
    if not seen.hits and not seen.aim.blind and found.file:
        print(f"{SIGNS[State.WARN]} By its text it would hit nothing that is there")
    print("It was read, not run: what it puts together at run time is not seen.")
    if not found.missing:
        print(f"To run it: ecotui cleanup --script --run --agreed {seen.token}")


def _run(where: World, seen: Foreseen, args: argparse.Namespace, account: str) -> int:
    from checks.cleanup.check import account_name, examine
    from checks.cleanup.script.impact import foresee
    from ecotui.cli.script import account_now, start
    from ecotui.session import SessionError

    if seen.standing.trouble:
        return _refuse(seen.standing.trouble)
    if seen.standing.missing:
        return _refuse(
            f"{', '.join(seen.standing.missing)} not set, and the script needs it; nothing was run"
        )
    if args.agreed and args.agreed != seen.token:
        _show(seen)
        return _refuse("the script, or what it would hit, is not what was agreed to; nothing was run")
    if not args.agreed:
        phrase = f"{account_name(where, where.aws.identity())} {len(seen.hits)}"
        if not _consent(seen, phrase):
            return exit_codes.USAGE if not sys.stdin.isatty() else exit_codes.INTERRUPTED
    _, before = examine(where)
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
        now, reason = account_now(where)
        if reason or now != account:
            return _refuse(f"{reason or f'this is now account {now}'}; nothing was run")
    try:
        code = start(
            where,
            seen.standing,
            step="cleanup",
            stages=where.settings.cleanup.stages,
            left=LEFT,
            overrides=args.override,
        )
    except SessionError as error:
        return _refuse(str(error), exit_codes.ERROR)
    from checks.cleanup.known_resources import known

    print("Looking again", flush=True)
    report, after = examine(where)
    unseen = [finding.id for finding in report.findings if finding.state is State.UNKNOWN]
    again = foresee(where, known(where))
    whole = _tell(seen, again, before, after, unseen)
    return code if code != exit_codes.OK or whole else exit_codes.BLOCKED


def _consent(seen: Foreseen, phrase: str) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "ecotui cleanup --script: without a terminal, --agreed TOKEN names what --script has shown",
            file=sys.stderr,
        )
        return False
    _show(seen)
    print("From here on it deletes what it means, with no list and no order of ecotui's.")
    try:
        answer = input(f'Type "{phrase}" to run it, anything else to leave: ')
    except EOFError:
        answer = ""
    if " ".join(answer.split()) == phrase:
        return True
    print("Left as it is: nothing was run")
    return False


def _tell(
    seen: Foreseen, again: Foreseen, before: CleanupDetail, after: CleanupDetail, unseen: list[str]
) -> bool:
    """What is left, what is new, what went that was not to go; True when nothing is left and nothing was lost."""
    was = {one.key for one in before.resources if one.deletable}
    left = [one for one in after.resources if one.deletable]
    for one in left:
        held = f"; blocked by {', '.join(map(one_line, one.blocked_by))}" if one.blocked_by else ""
        used = f"; used by {', '.join(one.uses)}" if one.uses else ""
        word = "left" if one.key in was else "came back, or is new"
        print(
            f"{SIGNS[State.BLOCKED]} {word}: {one_line(one.key)} {one.name}: {one.size or one.why}{held}{used}"
        )
    still = {one.key for one in again.hits}
    lost = [one for one in seen.spared if one.key not in still and one.kind not in again.unseen]
    for hit in lost:
        print(f"{SIGNS[State.BLOCKED]} gone, and was not to be deleted: {hit.kind} {hit.name} ({hit.fate})")
    if unseen or again.unseen:
        print(f"{SIGNS[State.UNKNOWN]} could not look again: {', '.join([*unseen, *again.unseen])}")
    gone = len(was - {one.key for one in after.resources})
    print(f"{gone} of {len(was)} leftovers gone, {len(left)} left" + (f", {len(lost)} lost" if lost else ""))
    return not left and not lost and not unseen
