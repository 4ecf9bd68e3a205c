"""`ecotui sessions export`: a session as Markdown, a page, a recording or JSON."""

from __future__ import annotations

import argparse
import os

from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import add_id_argument, open_session, write_output
from ecotui.history.export.write import EXPORT_FORMATS, open_library_or_none, render_session_export
from ecotui.session.store import SessionStore


def configure(parser: argparse.ArgumentParser) -> None:
    add_id_argument(parser)
    parser.add_argument("-o", "--out", metavar="FILE", help="default: the standard output")
    parser.add_argument("--format", choices=EXPORT_FORMATS, default="md", help="default: md (Markdown)")
    parser.add_argument(
        "--strict", action="store_true", help="mask account ids, ARNs, addresses, user and host names too"
    )


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError."""
    session = open_session(args, store)
    library = open_library_or_none(args.loaded, os.environ)
    text = render_session_export(session, args.format, anonymize=args.strict, library=library)
    if args.json and args.format == "md":
        print_document("sessions.export", {"id": session.id, "markdown": text})
        return exit_codes.OK
    return write_output(text, args.out)
