"""`ecotui sessions search`: words in the outputs of a session's commands."""

from __future__ import annotations

import argparse
import sys

from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import add_id_argument, open_session
from ecotui.history.export.model import read_export
from ecotui.history.text_search import search_forward
from ecotui.session.store import SessionStore
from ecotui.supervisor.paths import OUTPUT_LOG

MAX_HITS_PER_OUTPUT = 1_000
"""Lines of one output that a search prints."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", metavar="WORDS")
    add_id_argument(parser)


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError when an output cannot be read."""
    session = open_session(args, store)
    hits = []
    for command in read_export(session).commands:
        path = session.commands_folder / command.id / OUTPUT_LOG
        if not path.is_file() and not path.is_symlink():
            continue
        for number, hit in enumerate(search_forward(path, args.words)):
            if number == MAX_HITS_PER_OUTPUT:
                print(f"ecotui sessions: {command.id} has more than {MAX_HITS_PER_OUTPUT} such lines", file=sys.stderr)
                break
            hits.append({"command": command.id, "offset": hit.offset, "line": hit.text})
            if not args.json:
                print(f"{command.id}  {hit.text}")
    if args.json:
        print_document("sessions.search", {"id": session.id, "hits": hits})
    elif not hits:
        print(f"No output of {session.id} has these words.")
    return exit_codes.OK
