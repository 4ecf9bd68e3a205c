"""`ecotui sessions timeline`: the applies of a session as a picture, a table or lines."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import add_id_argument, write_output
from ecotui.history import timeline
from ecotui.session import SessionError

if TYPE_CHECKING:
    from ecotui.history.timeline import ApplyTimeline
    from ecotui.session.log import Session
    from ecotui.session.store import SessionStore

MAX_SESSIONS_SEARCHED = 40
"""The newest sessions, of which one with an apply is looked for."""


def configure(parser: argparse.ArgumentParser) -> None:
    add_id_argument(parser)
    parser.add_argument("--of", dest="apply", metavar="COMMAND", help="which apply (its id; default: the last)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="a line for each resource, for a spreadsheet")
    form.add_argument("--html", action="store_true", help="one self-contained page with the picture")
    parser.add_argument("--out", metavar="FILE", help="default: the standard output")


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError when the session has no apply."""
    session = store.open(args.id) if args.id else _latest_apply_session(store)
    apply_timeline = read_timeline(session, args.apply)
    if args.json:
        operations = [
            asdict(operation) | {"started": timeline.format_utc_milliseconds(operation.started)}
            for operation in apply_timeline.operations
        ]
        print_document(
            "sessions.timeline",
            {
                "session": session.id,
                "title": apply_timeline.title,
                "started": timeline.format_utc_milliseconds(apply_timeline.start_time),
                "ended": timeline.format_utc_milliseconds(apply_timeline.end_time),
                "spans": operations,
            },
        )
        return exit_codes.OK
    form: Callable[[ApplyTimeline], str] = _text_timeline
    if args.csv or (args.out or "").endswith(".csv"):
        form = timeline.as_csv
    elif args.html or (args.out or "").endswith((".html", ".htm")):
        form = timeline.as_html
    return write_output(form(apply_timeline), args.out)


def _latest_apply_session(store: SessionStore) -> Session:
    """The newest session that applied something; without one, the newest. Raises SessionError."""
    from ecotui.history.apply_streams import is_apply_stream
    from ecotui.supervisor.commands import list_commands

    for summary in store.list_summaries(MAX_SESSIONS_SEARCHED):
        session = store.open(summary.id)
        if any(map(is_apply_stream, list_commands(session))):
            return session
    return store.open_latest()


def read_timeline(session: Session, command_id: str | None = None) -> ApplyTimeline:
    """The timeline of one apply of a session. Raises SessionError."""
    from ecotui.history import current_apply
    from ecotui.history.apply_streams import is_apply_stream
    from ecotui.supervisor.commands import list_commands

    applies = [command for command in list_commands(session) if is_apply_stream(command)]
    if command_id:
        applies = [command for command in applies if command.id.startswith(command_id)]
    if not applies:
        missing = f"no apply {command_id}" if command_id else "no apply"
        raise SessionError(f"there is {missing} in session {session.id}")
    return timeline.build_timeline(current_apply.read_apply(applies[-1]).progress, applies[-1].title)


def _text_timeline(apply_timeline: ApplyTimeline) -> str:
    return timeline.as_text(apply_timeline, shutil.get_terminal_size((100, 24)).columns)
