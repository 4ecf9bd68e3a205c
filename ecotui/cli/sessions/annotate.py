"""`ecotui sessions note` and `tag`: notes and tags that are added to a session later. Both are events of its log."""

from __future__ import annotations

import argparse

from checks.sanitize import sanitize
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.session import SessionError, events
from ecotui.session.store import SessionStore


def configure_note(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the session, or the beginning of its id")
    parser.add_argument("text", metavar="TEXT", help="the note")


def configure_tag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the session, or the beginning of its id")
    parser.add_argument("tags", metavar="TAG", nargs="+", help="a word without spaces")
    parser.add_argument("--off", action="store_true", help="remove them")


def run_note(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError."""
    session = store.open(args.id)
    text = sanitize(args.text).strip()
    if not text:
        raise SessionError("the note is empty")
    session.append(events.NoteAdded(text=text))
    if args.json:
        print_document("sessions.note", {"id": session.id, "text": text})
    else:
        print(f"Noted in {session.id}.")
    return exit_codes.OK


def run_tag(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError."""
    session = store.open(args.id)
    for tag in args.tags:
        if not events.is_tag(tag):
            raise SessionError(events.invalid_tag_message(tag))
    for tag in args.tags:
        session.append(events.TagChanged(tag=tag, on=not args.off))
    tags = session.read_summary().tags
    if args.json:
        print_document("sessions.tag", {"id": session.id, "tags": tags})
    else:
        print(f"{session.id}: {' '.join(f'#{tag}' for tag in tags) or 'no tags'}")
    return exit_codes.OK
