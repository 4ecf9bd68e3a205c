"""`ecotui unlock`: who holds the lock of the state. Removes it only by its id, and never while its holder runs."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

import msgspec

from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.locks import configure_override, hold_locks
from ecotui.cli.printing import print_document

if TYPE_CHECKING:
    from checks.apply.state.lock import StateLockStatus
    from checks.context import CheckContext

_LOCK_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
"""Ids of terraform are UUIDs, and object generations in one backend. The id becomes an argument of terraform."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--approve", metavar="ID", help="remove the lock with this id; without it, only show it")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    configure_override(parser)


def run(args: argparse.Namespace) -> int:
    from checks.apply.state import lock as state_lock

    context = check_context(args)
    status = state_lock.read_state_lock(context)
    if args.approve is not None:
        with hold_locks(context, args.override):
            return _remove_lock(context, status, args.approve, as_json=args.json)
    if args.json:
        lock = msgspec.to_builtins(status.lock) if status.lock else None
        print_document("unlock", {"lock": lock, "unknown": status.unknown_reason, "removed": False})
    elif status.lock:
        print(f"{status.lock.sentence}; {status.lock.holder_status}.")
        if not status.lock.alive:
            print(
                f"Ask {status.lock.who or 'its holder'} first: two writers at once damage the state."
                f" When that run is certainly over: ecotui unlock --approve {status.lock.id}"
            )
    elif not status.unknown_reason:
        print("Nobody holds the lock of the state")
    if status.unknown_reason:
        _print_error(status.unknown_reason)
    return exit_codes.BLOCKED if status.lock or status.unknown_reason else exit_codes.OK


def _remove_lock(context: CheckContext, lock_status: StateLockStatus, id_: str, *, as_json: bool) -> int:
    from checks.tools.run import CommandError
    from checks.tools.terraform import Terraform

    lock, terraform = lock_status.lock, Terraform(context)
    if not _LOCK_ID.fullmatch(id_):
        _print_error(f"{id_!r} is no id of a lock; nothing was removed")
        return exit_codes.USAGE
    if lock is None and not lock_status.unknown_reason:
        _print_error("nobody holds the lock of the state; nothing was removed")
        return exit_codes.BLOCKED
    if lock and lock.id != id_:
        _print_error(f"the lock has another id by now; nothing was removed. {lock.sentence}")
        return exit_codes.BLOCKED
    if lock and lock.alive:
        _print_error(
            f"{lock.sentence}; {lock.holder_status}. End it there (ecotui, or Ctrl-C once); nothing was removed"
        )
        return exit_codes.BLOCKED
    try:
        terraform.force_unlock(id_)
    except CommandError as error:
        _print_error(error.explain())
        return exit_codes.ERROR
    if as_json:
        removed = msgspec.to_builtins(lock) if lock else None
        print_document("unlock", {"lock": removed, "unknown": lock_status.unknown_reason, "removed": True})
    else:
        print(f"The lock {id_} is removed. Plan again before anything is applied: ecotui plan")
    return exit_codes.OK


def _print_error(reason: str) -> None:
    print(f"ecotui unlock: {reason}", file=sys.stderr)
