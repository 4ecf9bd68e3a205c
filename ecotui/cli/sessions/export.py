"""`ecotui sessions export` and `search`: a session handed over, and words found in its outputs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.history.export import model as export_model
from ecotui.history.export import write as export_write
from ecotui.history.text_search import search_forward
from ecotui.session.log import Session
from ecotui.supervisor.paths import OUTPUT_LOG

MAX_HITS_PER_OUTPUT = 1_000
"""Lines of one output that a search prints."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", metavar="FILE", help="default: the standard output")
    parser.add_argument("--format", choices=export_write.EXPORT_FORMATS, default="md", help="default: md (Markdown)")
    parser.add_argument(
        "--strict", action="store_true", help="mask account ids, ARNs, addresses, user and host names too"
    )


def run(args: argparse.Namespace, session: Session) -> int:
    """Raises SessionError."""
    library = export_write.open_library_or_none(args.loaded, os.environ)
    text = export_write.render_session_export(session, args.format, anonymize=args.strict, library=library)
    if args.json and args.format == "md":
        print_document("sessions.export", {"id": session.id, "markdown": text})
    elif args.out:
        try:
            Path(args.out).write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            print(f"ecotui sessions: cannot write {args.out}: {error.strerror}", file=sys.stderr)
            return exit_codes.ERROR
        print(f"Wrote {args.out}")
    else:
        sys.stdout.write(text)
    return exit_codes.OK


def search_session(args: argparse.Namespace, session: Session) -> int:
    """Raises SessionError when an output cannot be read."""
    hits = []
    for one in export_model.list_exported_commands(session):
        path = session.commands_folder / one.id / OUTPUT_LOG
        if not path.is_file() and not path.is_symlink():
            continue
        for number, hit in enumerate(search_forward(path, args.words)):
            if number == MAX_HITS_PER_OUTPUT:
                print(f"ecotui sessions: {one.id} has more than {MAX_HITS_PER_OUTPUT} such lines", file=sys.stderr)
                break
            hits.append({"command": one.id, "offset": hit.offset, "line": hit.text})
            if not args.json:
                print(f"{one.id}  {hit.text}")
    if args.json:
        print_document("sessions.search", {"id": session.id, "hits": hits})
    elif not hits:
        print(f"No output of {session.id} has these words.")
    return exit_codes.OK
