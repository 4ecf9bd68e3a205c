"""`ecotui sessions archive` and `fetch`: past sessions to S3 and back, verified on both ways."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecotui import exit_codes
from ecotui.cli.printing import document
from ecotui.cli.sessions.prune import count, told
from ecotui.history import archive
from ecotui.session import SessionError, event_text
from ecotui.session.log import Session, Summary
from ecotui.session.private_files import explained
from ecotui.session.store import Store, is_id
from ecotui.supervisor.commands import running

if TYPE_CHECKING:
    from checks.aws.object_store import ObjectStore
    from checks.context import World

DAY = 86_400


def configure_archive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", help="sessions, or the beginnings of their ids")
    parser.add_argument(
        "--older-than", type=count, metavar="DAYS", help="all that ended so many days ago, or earlier"
    )
    parser.add_argument("--to", metavar="URL", help="s3://bucket/prefix (default: sessions.archive)")
    parser.add_argument(
        "--yes", action="store_true", help="really send them; without it, only say what would be"
    )
    parser.add_argument(
        "--remove", action="store_true", help="with --yes: remove here what was read back from there whole"
    )


def configure_fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="the session; without it, list what is there")
    parser.add_argument(
        "--from", dest="source", metavar="URL", help="s3://bucket/prefix (default: sessions.archive)"
    )


def run_archive(args: argparse.Namespace, store: Store) -> int:
    """Raises SessionError, SettingsError."""
    if args.remove and not args.yes:
        print("ecotui sessions archive: --remove goes with --yes", file=sys.stderr)
        return exit_codes.USAGE
    if not args.ids and args.older_than is None:
        print("ecotui sessions archive: name sessions, or --older-than DAYS", file=sys.stderr)
        return exit_codes.USAGE
    where, place = _place(args, args.to)
    rows = [_one(summary, store, place, where, args) for summary in _chosen(args, store)]
    if args.json:
        document("sessions.archive", {"to": str(place), "sent": args.yes, "sessions": rows})
    else:
        _tell(rows, str(place), args)
    return exit_codes.BLOCKED if any(row["trouble"] for row in rows) else exit_codes.OK


def _place(args: argparse.Namespace, given: str | None) -> tuple[World, ObjectStore]:
    from checks.aws.object_store import ObjectStore, StoreError
    from ecotui.cli.context import world

    where = world(args)
    url = given or where.settings.sessions.archive
    if not url:
        raise SessionError(
            "no place is named: --to or --from s3://bucket/prefix, or sessions.archive in the settings"
        )
    try:
        return where, ObjectStore(where.aws, url)
    except StoreError as error:
        raise SessionError(str(error)) from error


def _chosen(args: argparse.Namespace, store: Store) -> list[Summary]:
    """Named ones as they are; by age only those that ended."""
    chosen = {id: store.open(id).summary() for id in args.ids}
    if args.older_than is not None:
        limit = time.time() - args.older_than * DAY
        for summary in store.list():
            if summary.ended is not None and summary.ended < limit:
                chosen.setdefault(summary.id, summary)
    return sorted({summary.id: summary for summary in chosen.values()}.values(), key=lambda one: one.id)


def _one(
    summary: Summary, store: Store, place: ObjectStore, where: World, args: argparse.Namespace
) -> dict[str, Any]:
    """Archive a session, or say why not; the others go on."""
    session = Session(store.folder / summary.id)
    row: dict[str, Any] = {
        "id": summary.id,
        "project": summary.project,
        "bytes": event_text.size(session.folder),
        "archived": False,
        "removed": False,
        "trouble": "",
    }
    try:
        if running(session):
            raise SessionError("a command of it still runs")
        if args.yes:
            row["packed"] = _send(session, place, where)
            row["archived"] = True
            if args.remove:
                if odd := archive.unknown_files(session.folder):
                    raise SessionError(f"not removed: it holds {odd[0]}, which is not in the archive")
                store.remove(summary.id)
                row["removed"] = True
    except SessionError as error:
        row["trouble"] = str(error)
    return row


def _send(session: Session, place: ObjectStore, where: World) -> int:
    """Pack, send, read back, compare; the archive's bytes. Raises SessionError."""
    from checks.aws.object_store import ConditionFailed, StoreError

    names = [one.name for one in where.settings.environment.variables if one.secret]
    with tempfile.TemporaryFile(dir=_scratch(session.folder.parent.parent)) as target:
        with explained("cannot pack into", session.folder.parent.parent):
            packed = archive.pack(session, target, where.env, names)
        key = f"{session.id}{archive.SUFFIX}"
        try:
            try:
                target.seek(0)
                place.upload(key, target, packed.size, packed.sha256)
            except ConditionFailed:
                pass  # it is there already, from an earlier time: it is good only if it is the same session
            there = archive.check(place.download(key, _limit()))
        except StoreError as error:
            raise SessionError(str(error)) from error
    if (there.id, there.events, there.head) != (session.id, packed.manifest.events, packed.manifest.head):
        raise SessionError(
            f"{place}/{key} is another state of this session ({there.events} events): nothing was sent"
        )
    if {part.name: part.sha256 for part in there.files} != {
        part.name: part.sha256 for part in packed.manifest.files
    }:
        raise SessionError(f"{place}/{key} holds other files of this session: nothing was sent")
    return packed.size


def _limit() -> int:
    from checks.aws.object_store import LARGEST

    return LARGEST


def _scratch(root: Path) -> str:
    """Where an archive is put together: beside the sessions, where there is room for them, not in a small /tmp."""
    return os.fspath(root)


def _tell(rows: list[dict[str, Any]], place: str, args: argparse.Namespace) -> None:
    for row in rows:
        done = "removed" if row["removed"] else "archived" if row["archived"] else "would be archived"
        size = told(row["bytes"])
        if row["trouble"]:
            print(f"✗ {row['id']}  {row['project']}  {size}  {row['trouble']}")
        else:
            packed = f" ({told(row['packed'])} packed, read back whole)" if row["archived"] else ""
            print(f"{done}  {row['id']}  {row['project']}  {size}{packed}")
    if not rows:
        print("No session is like that.")
    elif not args.yes:
        print(
            f"Nothing was sent. To send these to {place}: add --yes; and --remove, to remove them here after that."
        )


def run_fetch(args: argparse.Namespace, store: Store) -> int:
    """Raises SessionError, SettingsError."""
    from checks.aws.object_store import StoreError

    _, place = _place(args, args.source)
    try:
        if args.id is None:
            return _list(place, args)
        id = _match(place, args.id)
        folder = _fetch(place, store, id)
    except StoreError as error:
        raise SessionError(str(error)) from error
    verdict = store.open(id).verify()
    if args.json:
        document(
            "sessions.fetch",
            {"id": id, "folder": str(folder), "events": verdict.events, "head": verdict.head},
        )
    else:
        print(
            f"{id} is back: {verdict.events} events, the chain is whole. Read it with: ecotui sessions show {id}"
        )
    return exit_codes.OK


def _archived(place: ObjectStore) -> Iterator[tuple[str, int]]:
    for one in place.listing():
        id = one.key.removesuffix(archive.SUFFIX)
        if one.key.endswith(archive.SUFFIX) and is_id(id):
            yield id, one.size


def _list(place: ObjectStore, args: argparse.Namespace) -> int:
    there = sorted(_archived(place), reverse=True)
    if args.json:
        plain = [{"id": id, "bytes": size} for id, size in there]
        document("sessions.fetch", {"from": str(place), "sessions": plain})
        return exit_codes.OK
    for id, size in there:
        print(f"{id}  {told(size)}")
    print(f"{len(there)} sessions in {place}. Fetch one with: ecotui sessions fetch ID")
    return exit_codes.OK


def _match(place: ObjectStore, given: str) -> str:
    """The one whose id begins so. Raises SessionError."""
    if is_id(given):
        return given
    found = [id for id, _ in _archived(place) if id.startswith(given)]
    if len(found) != 1:
        which = f"could be any of {', '.join(found[:5])}" if found else f"is not in {place}"
        raise SessionError(f"{given} {which}")
    return found[0]


def _fetch(place: ObjectStore, store: Store, id: str) -> Path:
    """Into a folder beside, and into its place only when all of it is proven. Raises SessionError, StoreError."""
    from ecotui.session.private_files import make_folder

    final = store.folder / id
    if final.is_symlink() or final.exists():
        raise SessionError(f"{id} is here already; nothing was fetched")
    with explained("cannot make the state folder", store.root):
        store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_folder(store.folder)
    beside = store.folder / f".{id}.{secrets.token_hex(4)}"
    try:
        archive.unpack(place.download(f"{id}{archive.SUFFIX}", _limit()), beside, id)
        with explained("cannot move into place", final):
            beside.rename(final)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return final
