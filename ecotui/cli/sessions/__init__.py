"""`ecotui sessions`: list, show, verify, compare, export, archive and delete past sessions. One module a subcommand."""

from __future__ import annotations

import argparse
import os
import sys

from config.folders import state_folder
from ecotui import exit_codes
from ecotui.cli.sessions import (
    annotate,
    archive,
    compare,
    durations,
    export,
    fetch,
    list,
    prune,
    replay,
    search,
    show,
    timeline,
    verify,
)
from ecotui.session import SessionError
from ecotui.session.store import SessionStore

SUBCOMMANDS = (
    ("list", list.configure, list.run, "list the sessions, newest first (the default)"),
    ("show", show.configure, show.run, "show a session as a timeline"),
    ("verify", verify.configure, verify.run, "check the hash chain; exit 3 when a log was changed"),
    ("compare", compare.configure, compare.run, "show where two sessions differ, and what took longer"),
    ("replay", replay.configure, replay.run, "play a session again: its events and outputs, at their pace"),
    ("durations", durations.configure, durations.run, "show how long the steps usually take, over the past sessions"),
    ("export", export.configure, export.run, "export a session: Markdown, a page, a recording, JSON"),
    ("search", search.configure, search.run, "find words in the outputs of a session's commands"),
    ("timeline", timeline.configure, timeline.run, "draw an apply of a session: lines, CSV, or a page with a picture"),
    ("note", annotate.configure_note, annotate.run_note, "write a note into a session's log"),
    ("tag", annotate.configure_tag, annotate.run_tag, "tag a session, to find it again; --off removes tags"),
    ("prune", prune.configure, prune.run, "list the sessions that are old; with --yes delete them"),
    ("archive", archive.configure, archive.run, "list the sessions that would go to S3; with --yes send them"),
    ("fetch", fetch.configure, fetch.run, "bring an archived session back; without an id, list them"),
)
"""Name, arguments, function and purpose, in the order of the help text."""


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    for name, configure_subcommand, run_subcommand, purpose in SUBCOMMANDS:
        sub = actions.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        sub.set_defaults(run_subcommand=run_subcommand)
        sub.add_argument("--json", action="store_true", help="print one JSON document")
        configure_subcommand(sub)
    parser.set_defaults(run_subcommand=list.run, json=False, **list.DEFAULTS)


def run(args: argparse.Namespace) -> int:
    """Settings are read only for where the sessions are. Raises SettingsError."""
    from config.load import load_settings

    args.loaded = load_settings(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    try:
        code: int = args.run_subcommand(args, SessionStore(state_folder(args.loaded.settings, os.environ)))
    except SessionError as error:
        print(f"ecotui sessions: {error}", file=sys.stderr)
        return exit_codes.ERROR
    return code
