"""`ecotui sessions export` and `search`: a session handed over, and words found in its outputs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ecotui import exit_codes
from ecotui.cli.printing import document
from ecotui.history.export import model as export_model
from ecotui.history.export import write as export_write
from ecotui.history.text_search import find
from ecotui.session.log import Session
from ecotui.supervisor.paths import OUTPUT

SHOWN = 1_000
"""Lines of one output that a search prints."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", metavar="FILE", help="default: the standard output")
    parser.add_argument("--format", choices=export_write.FORMS, default="md", help="default: md (Markdown)")
    parser.add_argument(
        "--strict", action="store_true", help="mask account ids, ARNs, addresses, user and host names too"
    )


def run(args: argparse.Namespace, session: Session) -> int:
    """Raises SessionError."""
    library = export_write.library(args.loaded, os.environ)
    text = export_write.written(session, args.format, strict=args.strict, library=library)
    if args.json and args.format == "md":
        document("sessions.export", {"id": session.id, "markdown": text})
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


def search(args: argparse.Namespace, session: Session) -> int:
    """Raises SessionError when an output cannot be read."""
    hits = []
    for one in export_model.ran(session):
        path = session.commands / one.id / OUTPUT
        if not path.is_file() and not path.is_symlink():
            continue
        for number, hit in enumerate(find(path, args.words)):
            if number == SHOWN:
                print(f"ecotui sessions: {one.id} has more than {SHOWN} such lines", file=sys.stderr)
                break
            hits.append({"command": one.id, "offset": hit.offset, "line": hit.text})
            if not args.json:
                print(f"{one.id}  {hit.text}")
    if args.json:
        document("sessions.search", {"id": session.id, "hits": hits})
    elif not hits:
        print(f"No output of {session.id} has these words.")
    return exit_codes.OK
