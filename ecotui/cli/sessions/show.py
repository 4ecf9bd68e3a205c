"""`ecotui sessions show`: a session as a timeline, or the output of one of its commands."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import add_id_argument, open_session, parse_count
from ecotui.cli.sessions.list import session_document
from ecotui.session import SessionError
from ecotui.session.event_text import format_local_time, format_records, format_utc_time
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import CommandStatus, list_commands, read_command_status
from ecotui.supervisor.tail import Tail


def configure(parser: argparse.ArgumentParser) -> None:
    add_id_argument(parser)
    parser.add_argument(
        "--output", metavar="COMMAND", help="print the output of this command (its id, or the beginning of it)"
    )
    parser.add_argument("--lines", type=parse_count, metavar="N", help="with --output: only the last N lines")


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError."""
    session = open_session(args, store)
    if args.output:
        return _print_command_output(session, args)
    document = session_document(session.read_summary(), store)
    if args.json:
        print_document("sessions.show", {"session": document, **_session_details(session)})
        return exit_codes.OK
    print(f"{session.id}  {document['project']}  {document['outcome']}")
    for entry in format_records(session.read_records()):
        command = f"  [{entry.command}]" if entry.command else ""
        print(f"{format_local_time(entry.timestamp)}  {entry.text}{command}")
        for line in entry.details:
            print(f"{'':21}{line}")
    return exit_codes.OK


def _session_details(session: Session) -> dict[str, Any]:
    commands = [
        {"id": command.id, "step": command.step, "title": command.title, "argv": [*command.argv]}
        | _status_document(read_command_status(command.folder))
        for command in list_commands(session)
    ]
    events = [
        {"n": record.number, "at": format_utc_time(record.timestamp), "event": msgspec.to_builtins(record.event)}
        for record in session.read_records()
    ]
    return {"commands": commands, "events": events}


def _status_document(status: CommandStatus) -> dict[str, Any]:
    return {
        "state": status.state,
        "outcome": status.outcome,
        "exit_code": status.exit_code,
        "signal": status.signal,
        "started": format_utc_time(status.started),
        "ended": format_utc_time(status.ended),
        "lost_bytes": status.lost_bytes,
        "message": status.message,
    }


def _find_command_folder(session: Session, prefix: str) -> Path:
    """The folder of the one command whose id begins with the prefix. Raises SessionError."""
    try:
        folders = sorted(path for path in session.commands_folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        folders = []
    matches = [folder for folder in folders if folder.name.startswith(prefix)]
    if len(matches) != 1:
        ids = ", ".join(folder.name for folder in folders) or "none"
        problem = "could be several commands" if matches else "is no command"
        raise SessionError(f"{prefix} {problem} of session {session.id}; its commands: {ids}")
    return matches[0]


def _print_command_output(session: Session, args: argparse.Namespace) -> int:
    folder = _find_command_folder(session, args.output)
    tail = Tail(folder)
    if args.lines is not None:
        tail.seek_end(args.lines)
    if args.json:
        lines: list[str] = []
        while batch := tail.read():
            lines += batch
        status = _status_document(read_command_status(folder))
        print_document("sessions.output", {"command": folder.name, "lines": lines, **status})
        return exit_codes.OK
    while batch := tail.read():
        sys.stdout.write("".join(f"{line}\n" for line in batch))
    return exit_codes.OK
