"""`ecotui script`: the team's own rebuild script: what it would do, and running it under the supervisor with its stages."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from checks.finding import State
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.consenting import at_a_terminal, typed
from ecotui.cli.context import world
from ecotui.cli.locks import configure as configure_holding
from ecotui.cli.printing import SIGNS, document

if TYPE_CHECKING:
    from checks.context import World
    from checks.script.check import Standing

SHOWN = 12
"""Lines of the script that are quoted of each kind."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", action="store_true", help="run it; without this, only show what it would do")
    parser.add_argument("--yes", action="store_true", help="do not ask; needed without a terminal")
    parser.add_argument("--json", action="store_true", help="print one JSON document; not with --run")
    configure_holding(parser)


def run(args: argparse.Namespace) -> int:
    from checks.script.check import look

    if args.run and args.json:
        return _refuse("--json shows what the script would do, and does not go with --run", exit_codes.USAGE)
    where = world(args)
    found = look(where)
    if args.json:
        document("script", {**msgspec.to_builtins(found), "sentence": found.reading.sentence})
    elif not args.run:
        _show(found)
    if not args.run:
        return exit_codes.BLOCKED if found.trouble or found.missing else exit_codes.OK
    return _run(where, found, args)


def _refuse(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui script: {reason}", file=sys.stderr)
    return code


def shown(found: Standing, setting: str = "") -> bool:
    """Print what the script is, and what it lacks (`setting`: which asks for it); False where there is no more to say."""
    if found.argv:
        print(f"Script: {' '.join(one_line(word) for word in found.argv)}")
    if found.trouble:
        print(f"{SIGNS[State.BLOCKED]} {found.trouble}")
        return False
    asked = f" ({setting})" if setting else ""
    for name in found.missing:
        print(f"{SIGNS[State.BLOCKED]} {name} is not set, and the script needs it{asked}")
    return True


def _show(found: Standing) -> None:
    from checks.script.analysis import Deed

    if not shown(found):
        return
    if not found.file:
        print(f"{SIGNS[State.UNKNOWN]} It is no file of the project: what it does was not read")
        return
    reading = found.reading
    print(f"{SIGNS[State.WARN]} {reading.sentence}")
    for deed, words in (
        (Deed.DESTROYS, "deletes"),
        (Deed.APPLIES, "applies"),
        (Deed.SILENCES, "switches confirmations off"),
        (Deed.ASKS, "asks, and will get no answer"),
    ):
        lines = reading.of(deed)
        for one in lines[:SHOWN]:
            print(f"    {words}: {one.file}:{one.number}: {one_line(one.text, limit=90)}")
        if len(lines) > SHOWN:
            print(f"    and {len(lines) - SHOWN} more")
    for name in reading.unread:
        print(f"{SIGNS[State.UNKNOWN]} It calls {name}, which could not be read")
    print("It was read, not run: what it puts together at run time is not seen.")
    if not found.missing:
        print("To run it: ecotui script --run")


def _run(where: World, found: Standing, args: argparse.Namespace) -> int:
    if found.trouble:
        return _refuse(found.trouble)
    if found.missing:
        return _refuse(f"{', '.join(found.missing)} not set, and the script needs it; nothing was run")
    account, reason = account_now(where)
    if reason:
        return _refuse(f"{reason}; nothing was run")
    if not args.yes and not _consent(found, account or where.settings.project or where.project.name):
        return exit_codes.USAGE if not sys.stdin.isatty() else exit_codes.INTERRUPTED
    from ecotui.session import SessionError

    try:
        return start(where, found, overrides=args.override)
    except SessionError as error:
        return _refuse(str(error), exit_codes.ERROR)


def account_now(where: World) -> tuple[str, str]:
    """The account that the script would work in, and why it must not; asked right before."""
    meant = where.settings.aws.account
    try:
        now = where.aws.identity_now().account
    except Exception as error:  # noqa: BLE001 - whatever it is: nobody can say whose account the script would change
        return "", f"who we are in AWS could not be asked: {where.aws.explain(error).summary}"
    if meant and now != meant:
        return now, f"the credentials are of account {now}, the settings mean {meant} (aws.account)"
    return now, ""


def _consent(found: Standing, word: str) -> bool:
    if not at_a_terminal():
        print("ecotui script: without a terminal, --yes says that the script was read", file=sys.stderr)
        return False
    _show(found)
    print("From here on it goes through to its end, with no review and no forecast.")
    if typed(word, "run it"):
        return True
    print("Left as it is: nothing was run")
    return False


def start(
    where: World,
    found: Standing,
    *,
    step: str = "apply",
    stages: Sequence[str] | None = None,
    left: str = "What it left: ecotui recover",
    overrides: Sequence[str] = (),
) -> int:
    """Run it under the supervisor and follow it to its end; the exit code. Raises SessionError, Refused."""
    from checks.tools.terraform import environment
    from ecotui.cli.follow_script import ScriptFollower
    from ecotui.cli.locks import holding
    from ecotui.session import events, store
    from ecotui.supervisor import start as begin
    from ecotui.team.lease_client import FINDING

    child = bool(where.env.get("ECOTUI_SESSION"))
    with holding(where, overrides, log=False) as held:
        session = store.join(where.settings, where.env, where.project)
        held.about(session.id)
        if held.passed:
            session.append(events.Overridden(finding=FINDING, reason=held.passed))
        command = begin(
            session,
            found.argv,
            step=step,
            title=f"the team's script {found.file or found.argv[0]}",
            cwd=where.project,
            env=environment(where),
            secrets=[one.name for one in where.settings.environment.variables if one.secret],
        )
        print("The script runs on its own from here: closing this terminal does not stop it")
        print(f"Log: {command.folder / 'output.log'}", flush=True)
        code = ScriptFollower(command, where, clock=time.time, stages=stages, left=left).follow()
        if not child:
            session.end("succeeded" if code == exit_codes.OK else "failed")
        return code
