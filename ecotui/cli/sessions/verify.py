"""`ecotui sessions verify`: the hash chain of a session's log, or of all, checked line by line."""

from __future__ import annotations

import argparse

from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import add_id_argument, open_session
from ecotui.session.store import SessionStore


def configure(parser: argparse.ArgumentParser) -> None:
    add_id_argument(parser)
    parser.add_argument("--all", action="store_true", help="every session")


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Exit 3 when a log was changed. Raises SessionError."""
    sessions = [store.open(id) for id in store.session_ids()] if args.all else [open_session(args, store)]
    results = [(session.id, session.verify()) for session in sessions]
    if args.json:
        documents = [
            {
                "id": id,
                "whole": result.is_intact,
                "events": result.event_count,
                "torn": result.torn_lines,
                "broken_line": result.broken_line,
                "reason": result.reason,
                "head": result.head_hash,
            }
            for id, result in results
        ]
        print_document("sessions.verify", {"sessions": documents})
    else:
        for id, result in results:
            if result.is_intact:
                torn = f", {result.torn_lines} torn by a crash" if result.torn_lines else ""
                print(f"✓ {id}  whole: {result.event_count} events{torn}, head {result.head_hash[:16]}")
            else:
                print(f"✗ {id}  broken at line {result.broken_line}: {result.reason}")
    return exit_codes.OK if all(result.is_intact for _, result in results) else exit_codes.BLOCKED
