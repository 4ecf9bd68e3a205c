"""`ecotui sessions note` and `tag`: what a reader adds to a session afterwards. Both are events of its log."""

from __future__ import annotations

import argparse
import re

from checks.sanitize import sanitize
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.session import SessionError, events
from ecotui.session.log import Session

_TAG_PATTERN = re.compile(r"[\w.:/-]{1,40}")


def configure_note(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the session, or the beginning of its id")
    parser.add_argument("text", metavar="TEXT", help="the note")


def configure_tag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the session, or the beginning of its id")
    parser.add_argument("tags", metavar="TAG", nargs="+", help="a word without spaces")
    parser.add_argument("--off", action="store_true", help="take them off")


def run_note(args: argparse.Namespace, session: Session) -> int:
    """Raises SessionError."""
    text = sanitize(args.text).strip()
    if not text:
        raise SessionError("the note is empty")
    session.append(events.NoteAdded(text=text))
    if args.json:
        print_document("sessions.note", {"id": session.id, "text": text})
    else:
        print(f"Noted in {session.id}.")
    return exit_codes.OK


def run_tag(args: argparse.Namespace, session: Session) -> int:
    """Raises SessionError."""
    for one in args.tags:
        if not _TAG_PATTERN.fullmatch(one):
            raise SessionError(f"{one!r} is no tag: letters, digits and . : / - _, at most 40")
    for one in args.tags:
        session.append(events.TagChanged(tag=one, on=not args.off))
    tags = session.read_summary().tags
    if args.json:
        print_document("sessions.tag", {"id": session.id, "tags": tags})
    else:
        print(f"{session.id}: {' '.join(f'#{one}' for one in tags) or 'no tags'}")
    return exit_codes.OK
