"""`ecotui sessions`: list, read, verify, compare, export, archive and throw away past sessions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from config.folders import state_folder
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions import annotate, durations, prune, session_team, timeline
from ecotui.cli.sessions import archive as sessions_archive
from ecotui.cli.sessions import compare as sessions_compare
from ecotui.cli.sessions import export as exporting
from ecotui.cli.sessions import list as sessions_list
from ecotui.cli.sessions import replay as sessions_replay
from ecotui.session import SessionError, event_text
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import CommandStatus, list_commands, read_command_status
from ecotui.supervisor.tail import Tail


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")

    def add(name: str, run: Callable[[argparse.Namespace, SessionStore], int], purpose: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        sub.set_defaults(act=run)
        sub.add_argument("--json", action="store_true", help="print one JSON document")
        return sub

    listed = add("list", _run_list, "list the sessions, newest first (the default)")
    sessions_list.configure(listed)
    session_team.configure_team(listed)

    show = add("show", _run_show, "tell a session as a timeline")
    _add_id_argument(show)
    show.add_argument(
        "--output", metavar="COMMAND", help="print what this command said (its id, or the beginning of it)"
    )
    show.add_argument("--lines", type=prune.parse_count, metavar="N", help="with --output: only the last so many lines")

    verify = add("verify", _run_verify, "check the hash chain; exit 3 when a log was changed")
    _add_id_argument(verify)
    verify.add_argument("--all", action="store_true", help="every session")

    compared = add("compare", _run_compare, "say where two sessions came out differently, and what took longer")
    sessions_compare.configure(compared)

    played = add("replay", _run_replay, "play a session again: what happened, and what was said, as it came")
    _add_id_argument(played)
    sessions_replay.configure(played)

    usual = add("durations", durations.run, "how long the steps usually take, over the past sessions")
    durations.configure(usual)

    export = add("export", _run_export, "hand a session over: Markdown, a page, a recording, JSON")
    _add_id_argument(export)
    exporting.configure(export)

    searched = add("search", _run_search, "find words in what a session's commands said")
    searched.add_argument("words", metavar="WORDS")
    _add_id_argument(searched)

    drawn = add("timeline", _run_timeline, "draw an apply of a session: lines, CSV, or a page with a picture")
    _add_id_argument(drawn)
    timeline.configure(drawn)

    noted = add("note", _run_note, "write a note into a session's log")
    annotate.configure_note(noted)
    tagged = add("tag", _run_tag, "put words on a session, for finding it again; --off takes them off")
    annotate.configure_tag(tagged)

    prune.configure(add("prune", prune.run, "say which sessions are old, and with --yes throw them away"))
    sessions_archive.configure_archive(
        add(
            "archive",
            sessions_archive.run_archive,
            "say which sessions would go to S3, and with --yes send them",
        )
    )
    sessions_archive.configure_fetch(
        add("fetch", sessions_archive.run_fetch, "bring an archived session back; without an id, list them")
    )

    parser.set_defaults(act=_run_list, json=False, team=False, **sessions_list.FILTER_DEFAULTS)


def _add_id_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", nargs="?", help="the session, or the beginning of its id (default: the latest)"
    )


def run(args: argparse.Namespace) -> int:
    """Settings are read only for where the sessions are. Raises SettingsError."""
    from config.load import load_settings as load_settings

    loaded = load_settings(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    args.keep_days = loaded.settings.sessions.keep_days
    args.loaded = loaded
    try:
        code: int = args.act(args, SessionStore(state_folder(loaded.settings, os.environ)))
    except SessionError as error:
        print(f"ecotui sessions: {error}", file=sys.stderr)
        return exit_codes.ERROR
    return code


def _open_session(args: argparse.Namespace, store: SessionStore) -> Session:
    return store.open(args.id) if args.id else store.open_latest()


def _run_list(args: argparse.Namespace, store: SessionStore) -> int:
    return session_team.run_team_list(args) if args.team else sessions_list.run(args, store)


def _run_show(args: argparse.Namespace, store: SessionStore) -> int:
    session = _open_session(args, store)
    if args.output:
        return _print_command_output(session, args)
    if args.json:
        print_document(
            "sessions.show",
            {"session": sessions_list.session_document(session.read_summary(), store), **_session_details(session)},
        )
        return exit_codes.OK
    summary = session.read_summary()
    print(f"{session.id}  {summary.project}  {sessions_list.session_document(summary, store)['outcome']}")
    for moment in event_text.format_records(session.read_records()):
        named = f"  [{moment.command}]" if moment.command else ""
        print(f"{event_text.format_local_time(moment.timestamp)}  {moment.text}{named}")
        for line in moment.details:
            print(f"{'':21}{line}")
    return exit_codes.OK


def _session_details(session: Session) -> dict[str, Any]:
    told = [
        {"id": command.id, "step": command.step, "title": command.title, "argv": [*command.argv]}
        | _status_document(read_command_status(command.folder))
        for command in list_commands(session)
    ]
    log = [
        {
            "n": record.number,
            "at": event_text.format_utc_time(record.timestamp),
            "event": msgspec.to_builtins(record.event),
        }
        for record in session.read_records()
    ]
    return {"commands": told, "events": log}


def _status_document(status: CommandStatus) -> dict[str, Any]:
    return {
        "state": status.state,
        "outcome": status.outcome,
        "exit_code": status.exit_code,
        "signal": status.signal,
        "started": event_text.format_utc_time(status.started),
        "ended": event_text.format_utc_time(status.ended),
        "lost_bytes": status.lost_bytes,
        "message": status.message,
    }


def _command_folders(session: Session) -> list[Path]:
    try:
        return sorted(path for path in session.commands_folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []


def _print_command_output(session: Session, args: argparse.Namespace) -> int:
    found = [folder for folder in _command_folders(session) if folder.name.startswith(args.output)]
    if len(found) != 1:
        known = ", ".join(folder.name for folder in _command_folders(session)) or "none"
        word = "could be several commands" if found else "is no command"
        raise SessionError(f"{args.output} {word} of session {session.id}; its commands: {known}")
    tail = Tail(found[0])
    if args.lines is not None:
        tail.seek_end(args.lines)
    if args.json:
        lines: list[str] = []
        while batch := tail.read():
            lines += batch
        print_document(
            "sessions.output",
            {"command": found[0].name, "lines": lines, **_status_document(read_command_status(found[0]))},
        )
        return exit_codes.OK
    while batch := tail.read():
        sys.stdout.write("".join(f"{line}\n" for line in batch))
    return exit_codes.OK


def _run_verify(args: argparse.Namespace, store: SessionStore) -> int:
    sessions = (
        [store.open(summary.id) for summary in store.list_summaries()] if args.all else [_open_session(args, store)]
    )
    verdicts = [(session.id, session.verify()) for session in sessions]
    if args.json:
        checked = [
            {
                "id": id,
                "whole": verdict.is_intact,
                "events": verdict.event_count,
                "torn": verdict.torn_lines,
                "broken_line": verdict.broken_line,
                "reason": verdict.reason,
                "head": verdict.head_hash,
            }
            for id, verdict in verdicts
        ]
        print_document("sessions.verify", {"sessions": checked})
    else:
        for id, verdict in verdicts:
            if verdict.is_intact:
                torn = f", {verdict.torn_lines} torn by a crash" if verdict.torn_lines else ""
                print(f"✓ {id}  whole: {verdict.event_count} events{torn}, head {verdict.head_hash[:16]}")
            else:
                print(f"✗ {id}  broken at line {verdict.broken_line}: {verdict.reason}")
    return exit_codes.OK if all(verdict.is_intact for _, verdict in verdicts) else exit_codes.BLOCKED


def _run_compare(args: argparse.Namespace, store: SessionStore) -> int:
    return sessions_compare.run(
        args, store.open(args.before), store.open(args.after) if args.after else store.open_latest()
    )


def _run_replay(args: argparse.Namespace, store: SessionStore) -> int:
    return sessions_replay.run(args, _open_session(args, store))


def _run_export(args: argparse.Namespace, store: SessionStore) -> int:
    return exporting.run(args, _open_session(args, store))


def _run_search(args: argparse.Namespace, store: SessionStore) -> int:
    return exporting.search_session(args, _open_session(args, store))


def _run_note(args: argparse.Namespace, store: SessionStore) -> int:
    return annotate.run_note(args, _open_session(args, store))


def _run_tag(args: argparse.Namespace, store: SessionStore) -> int:
    return annotate.run_tag(args, _open_session(args, store))


def _run_timeline(args: argparse.Namespace, store: SessionStore) -> int:
    return timeline.run(args, store.open(args.id) if args.id else timeline.latest_apply_session(store))
