"""`ecotui sessions`: list, read, verify, compare, export, archive and throw away past sessions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ecotui import exit_codes
from ecotui.cli.printing import document
from ecotui.cli.sessions import annotate, durations, prune, session_team, timeline
from ecotui.cli.sessions import archive as sessions_archive
from ecotui.cli.sessions import compare as sessions_compare
from ecotui.cli.sessions import export as exporting
from ecotui.cli.sessions import list as sessions_list
from ecotui.cli.sessions import replay as sessions_replay
from ecotui.session import SessionError, event_text
from ecotui.session.log import Session
from ecotui.session.store import Store, root
from ecotui.supervisor.commands import Status, commands, status
from ecotui.supervisor.tail import Tail


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")

    def add(
        name: str, run: Callable[[argparse.Namespace, Store], int], purpose: str
    ) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        sub.set_defaults(act=run)
        sub.add_argument("--json", action="store_true", help="print one JSON document")
        return sub

    listed = add("list", _list, "list the sessions, newest first (the default)")
    sessions_list.configure(listed)
    session_team.configure(listed)

    show = add("show", _show, "tell a session as a timeline")
    _id(show)
    show.add_argument(
        "--output", metavar="COMMAND", help="print what this command said (its id, or the beginning of it)"
    )
    show.add_argument(
        "--lines", type=prune.count, metavar="N", help="with --output: only the last so many lines"
    )

    verify = add("verify", _verify, "check the hash chain; exit 3 when a log was changed")
    _id(verify)
    verify.add_argument("--all", action="store_true", help="every session")

    compared = add("compare", _compare, "say where two sessions came out differently, and what took longer")
    sessions_compare.configure(compared)

    played = add("replay", _replay, "play a session again: what happened, and what was said, as it came")
    _id(played)
    sessions_replay.configure(played)

    usual = add("durations", durations.run, "how long the steps usually take, over the past sessions")
    durations.configure(usual)

    export = add("export", _export, "hand a session over: Markdown, a page, a recording, JSON")
    _id(export)
    exporting.configure(export)

    searched = add("search", _search, "find words in what a session's commands said")
    searched.add_argument("words", metavar="WORDS")
    _id(searched)

    drawn = add("timeline", _timeline, "draw an apply of a session: lines, CSV, or a page with a picture")
    _id(drawn)
    timeline.configure(drawn)

    noted = add("note", _note, "write a note into a session's log")
    annotate.configure_note(noted)
    tagged = add("tag", _tag, "put words on a session, for finding it again; --off takes them off")
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

    parser.set_defaults(act=_list, json=False, team=False, **sessions_list.DEFAULTS)


def _id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", nargs="?", help="the session, or the beginning of its id (default: the latest)"
    )


def run(args: argparse.Namespace) -> int:
    """Settings are read only for where the sessions are. Raises SettingsError."""
    from config.load import load as load_settings

    loaded = load_settings(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    args.keep_days = loaded.settings.sessions.keep_days
    args.loaded = loaded
    try:
        code: int = args.act(args, Store(root(loaded.settings, os.environ)))
    except SessionError as error:
        print(f"ecotui sessions: {error}", file=sys.stderr)
        return exit_codes.ERROR
    return code


def _chosen(args: argparse.Namespace, store: Store) -> Session:
    return store.open(args.id) if args.id else store.latest()


def _list(args: argparse.Namespace, store: Store) -> int:
    return session_team.run(args) if args.team else sessions_list.run(args, store)


def _show(args: argparse.Namespace, store: Store) -> int:
    session = _chosen(args, store)
    if args.output:
        return _output(session, args)
    if args.json:
        document(
            "sessions.show", {"session": sessions_list.public(session.summary(), store), **_facts(session)}
        )
        return exit_codes.OK
    summary = session.summary()
    print(f"{session.id}  {summary.project}  {sessions_list.public(summary, store)['outcome']}")
    for moment in event_text.timeline(session.records()):
        named = f"  [{moment.command}]" if moment.command else ""
        print(f"{event_text.clock(moment.at)}  {moment.text}{named}")
        for line in moment.detail:
            print(f"{'':21}{line}")
    return exit_codes.OK


def _facts(session: Session) -> dict[str, Any]:
    told = [
        {"id": command.id, "step": command.step, "title": command.title, "argv": [*command.argv]}
        | _ended(status(command.folder))
        for command in commands(session)
    ]
    log = [
        {"n": record.n, "at": event_text.iso(record.at), "event": msgspec.to_builtins(record.event)}
        for record in session.records()
    ]
    return {"commands": told, "events": log}


def _ended(now: Status) -> dict[str, Any]:
    return {
        "state": now.state,
        "outcome": now.outcome,
        "exit_code": now.exit_code,
        "signal": now.signal,
        "started": event_text.iso(now.started),
        "ended": event_text.iso(now.ended),
        "lost_bytes": now.lost_bytes,
        "message": now.message,
    }


def _folders(session: Session) -> list[Path]:
    try:
        return sorted(path for path in session.commands.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []


def _output(session: Session, args: argparse.Namespace) -> int:
    found = [folder for folder in _folders(session) if folder.name.startswith(args.output)]
    if len(found) != 1:
        known = ", ".join(folder.name for folder in _folders(session)) or "none"
        word = "could be several commands" if found else "is no command"
        raise SessionError(f"{args.output} {word} of session {session.id}; its commands: {known}")
    tail = Tail(found[0])
    if args.lines is not None:
        tail.seek_end(args.lines)
    if args.json:
        lines: list[str] = []
        while batch := tail.read():
            lines += batch
        document("sessions.output", {"command": found[0].name, "lines": lines, **_ended(status(found[0]))})
        return exit_codes.OK
    while batch := tail.read():
        sys.stdout.write("".join(f"{line}\n" for line in batch))
    return exit_codes.OK


def _verify(args: argparse.Namespace, store: Store) -> int:
    sessions = [store.open(summary.id) for summary in store.list()] if args.all else [_chosen(args, store)]
    verdicts = [(session.id, session.verify()) for session in sessions]
    if args.json:
        checked = [
            {
                "id": id,
                "whole": verdict.whole,
                "events": verdict.events,
                "torn": verdict.torn,
                "broken_line": verdict.broken,
                "reason": verdict.reason,
                "head": verdict.head,
            }
            for id, verdict in verdicts
        ]
        document("sessions.verify", {"sessions": checked})
    else:
        for id, verdict in verdicts:
            if verdict.whole:
                torn = f", {verdict.torn} torn by a crash" if verdict.torn else ""
                print(f"✓ {id}  whole: {verdict.events} events{torn}, head {verdict.head[:16]}")
            else:
                print(f"✗ {id}  broken at line {verdict.broken}: {verdict.reason}")
    return exit_codes.OK if all(verdict.whole for _, verdict in verdicts) else exit_codes.BLOCKED


def _compare(args: argparse.Namespace, store: Store) -> int:
    return sessions_compare.run(
        args, store.open(args.before), store.open(args.after) if args.after else store.latest()
    )


def _replay(args: argparse.Namespace, store: Store) -> int:
    return sessions_replay.run(args, _chosen(args, store))


def _export(args: argparse.Namespace, store: Store) -> int:
    return exporting.run(args, _chosen(args, store))


def _search(args: argparse.Namespace, store: Store) -> int:
    return exporting.search(args, _chosen(args, store))


def _note(args: argparse.Namespace, store: Store) -> int:
    return annotate.note(args, _chosen(args, store))


def _tag(args: argparse.Namespace, store: Store) -> int:
    return annotate.tag(args, _chosen(args, store))


def _timeline(args: argparse.Namespace, store: Store) -> int:
    return timeline.run(args, store.open(args.id) if args.id else timeline.latest(store))
