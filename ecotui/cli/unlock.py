"""`ecotui unlock`: who holds the lock of the state; removed only by its id, and never while its holder is at work."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

import msgspec

from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.locks import configure as configure_holding
from ecotui.cli.locks import holding
from ecotui.cli.printing import document

if TYPE_CHECKING:
    from checks.apply.state.lock import Sight
    from checks.context import World

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
"""Ids of terraform are UUIDs, and object generations in one backend. It comes from outside and becomes an argument."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--approve", metavar="ID", help="remove the lock with this id; without it, only show it"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    configure_holding(parser)


def run(args: argparse.Namespace) -> int:
    from checks.apply.state import lock as state_lock

    where = world(args)
    sight = state_lock.look(where)
    if args.approve is not None:
        with holding(where, args.override):
            return _remove(where, sight, args.approve, json=args.json)
    if args.json:
        lock = msgspec.to_builtins(sight.lock) if sight.lock else None
        document("unlock", {"lock": lock, "unknown": sight.unknown, "removed": False})
    elif sight.lock:
        print(f"{sight.lock.sentence}; {sight.lock.holder}.")
        if not sight.lock.alive:
            print(
                f"Ask {sight.lock.who or 'its holder'} first: two writers at once damage the state."
                f" When that run is certainly over: ecotui unlock --approve {sight.lock.id}"
            )
    elif not sight.unknown:
        print("Nobody holds the lock of the state")
    if sight.unknown:
        _say(sight.unknown)
    return exit_codes.BLOCKED if sight.lock or sight.unknown else exit_codes.OK


def _remove(where: World, sight: Sight, id_: str, *, json: bool) -> int:
    from checks.tools.run import CommandError
    from checks.tools.terraform import Terraform

    lock, terraform = sight.lock, Terraform(where)
    if not _ID.fullmatch(id_):
        _say(f"{id_!r} is no id of a lock; nothing was removed")
        return exit_codes.USAGE
    if lock is None and not sight.unknown:
        _say("nobody holds the lock of the state; nothing was removed")
        return exit_codes.BLOCKED
    if lock and lock.id != id_:
        _say(f"the lock is another one by now; nothing was removed. {lock.sentence}")
        return exit_codes.BLOCKED
    if lock and lock.alive:
        _say(f"{lock.sentence}; {lock.holder}. End it there (ecotui, or Ctrl-C once); nothing was removed")
        return exit_codes.BLOCKED
    try:
        terraform.unlock(id_)
    except CommandError as error:
        _say(error.explain())
        return exit_codes.ERROR
    if json:
        gone = msgspec.to_builtins(lock) if lock else None
        document("unlock", {"lock": gone, "unknown": sight.unknown, "removed": True})
    else:
        print(f"The lock {id_} is removed. Plan again before anything is applied: ecotui plan")
    return exit_codes.OK


def _say(reason: str) -> None:
    print(f"ecotui unlock: {reason}", file=sys.stderr)
