"""`ecotui sessions prune`: which sessions are old, or exceed a size; removed only with --yes."""

from __future__ import annotations

import argparse
import re
import time

from checks.size import format_size
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import SECONDS_PER_DAY, parse_count
from ecotui.session.log import Session, SessionSummary
from ecotui.session.private_files import folder_size
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_running_commands

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--days", type=parse_count, metavar="N", help="older than so many days (default: sessions.keep_days)"
    )
    parser.add_argument(
        "--size",
        type=parse_size,
        metavar="SIZE",
        help="the oldest, until the rest fits into this: 2GB, 500MB; of any age, unless --days is given too",
    )
    parser.add_argument("--keep", type=parse_count, metavar="N", default=1, help="but keep the newest N (default: 1)")
    parser.add_argument("--yes", action="store_true", help="really remove them")


def parse_size(text: str) -> int:
    """Bytes of 2GB, 500 MB, 1.5G, 1024. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s?([KMGT]?)B?", text.strip().upper())
    if match is None:
        raise ValueError(text)
    return round(float(match[1]) * _UNITS[match[2]])


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError."""
    days = args.loaded.settings.sessions.keep_days if args.days is None else args.days
    by_age = args.size is None or args.days is not None
    limit = time.time() - days * SECONDS_PER_DAY
    summaries = store.list_summaries()
    # The newest sessions, and those with a running command, are never removed.
    candidates = [
        (summary, session, folder_size(session.folder))
        for summary in summaries[args.keep :]
        if not list_running_commands(session := Session(store.folder / summary.id))
    ]
    removable: dict[str, tuple[SessionSummary, int]] = {}
    if by_age:
        # An open session counts from its last event.
        removable = {
            summary.id: (summary, size)
            for summary, session, size in candidates
            if (summary.ended or _last_modified(session)) < limit
        }
    remaining_bytes = None
    if args.size is not None:
        remaining_bytes = sum(folder_size(store.folder / summary.id) for summary in summaries)
        remaining_bytes -= sum(size for _, size in removable.values())
        for summary, _, bytes_ in reversed(candidates):  # the oldest first
            if remaining_bytes <= args.size:
                break
            if summary.id not in removable:
                removable[summary.id] = (summary, bytes_)
                remaining_bytes -= bytes_
    old = sorted(removable.values(), key=lambda summary: summary[0].id, reverse=True)
    if args.yes:
        for summary, _ in old:
            store.remove(summary.id)
    if args.json:
        documents = [{"id": summary.id, "project": summary.project, "bytes": size} for summary, size in old]
        body = {"days": days, "removed": args.yes, "sessions": documents}
        print_document("sessions.prune", body if remaining_bytes is None else {**body, "left_bytes": remaining_bytes})
        return exit_codes.OK
    _print_prune_result(args, old, days, remaining_bytes)
    return exit_codes.OK


def _print_prune_result(
    args: argparse.Namespace, old: list[tuple[SessionSummary, int]], days: int, remaining_bytes: int | None
) -> None:
    for summary, bytes_ in old:
        print(f"{'removed' if args.yes else 'old'}  {summary.id}  {summary.project}  {format_size(bytes_)}")
    if remaining_bytes is not None:
        over = "" if remaining_bytes <= args.size else "; the rest is still running, or protected by --keep"
        print(f"{'Left' if args.yes else 'Would be left'}: {format_size(remaining_bytes)}{over}")
    if not old:
        print(f"No session is older than {days} days." if remaining_bytes is None else "Nothing has to be removed.")
    elif not args.yes:
        print("Nothing was removed. To remove these, run the same command with --yes.")


def _last_modified(session: Session) -> float:
    try:
        return session.events_path.lstat().st_mtime
    except OSError:
        return time.time()
