"""Arguments and output that the subcommands of `ecotui sessions` share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ecotui import exit_codes
from ecotui.session.log import Session
from ecotui.session.store import SessionStore

SECONDS_PER_DAY = 86_400


def add_id_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", nargs="?", help="the session, or the beginning of its id (default: the latest)"
    )


def open_session(args: argparse.Namespace, store: SessionStore) -> Session:
    """The session that was named, or the latest. Raises SessionError."""
    return store.open(args.id) if args.id else store.open_latest()


def parse_count(text: str) -> int:
    """A whole number from 0. Raises ArgumentTypeError."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def write_output(text: str, path: str | None) -> int:
    """Write to a file, or to the standard output where there is none; the exit code."""
    if not path:
        sys.stdout.write(text)
        return exit_codes.OK
    try:
        Path(path).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        print(f"ecotui sessions: cannot write {path}: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    print(f"Wrote {path}")
    return exit_codes.OK
