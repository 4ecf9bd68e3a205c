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
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.prune import format_size, parse_count
from ecotui.history import archive
from ecotui.session import SessionError, event_text
from ecotui.session.log import Session, SessionSummary
from ecotui.session.private_files import raise_session_error
from ecotui.session.store import SessionStore, is_session_id
from ecotui.supervisor.commands import list_running_commands

if TYPE_CHECKING:
    from checks.aws.object_store import ObjectStore
    from checks.context import CheckContext

SECONDS_PER_DAY = 86_400


def configure_archive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", help="sessions, or the beginnings of their ids")
    parser.add_argument(
        "--older-than", type=parse_count, metavar="DAYS", help="all that ended so many days ago, or earlier"
    )
    parser.add_argument("--to", metavar="URL", help="s3://bucket/prefix (default: sessions.archive)")
    parser.add_argument("--yes", action="store_true", help="really send them; without it, only say what would be")
    parser.add_argument(
        "--remove", action="store_true", help="with --yes: remove here what was read back from there whole"
    )


def configure_fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="the session; without it, list what is there")
    parser.add_argument("--from", dest="source", metavar="URL", help="s3://bucket/prefix (default: sessions.archive)")


def run_archive(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError, SettingsError."""
    if args.remove and not args.yes:
        print("ecotui sessions archive: --remove goes with --yes", file=sys.stderr)
        return exit_codes.USAGE
    if not args.ids and args.older_than is None:
        print("ecotui sessions archive: name sessions, or --older-than DAYS", file=sys.stderr)
        return exit_codes.USAGE
    where, place = _open_object_store(args, args.to)
    rows = [_archive_session(summary, store, place, where, args) for summary in _select_sessions(args, store)]
    if args.json:
        print_document("sessions.archive", {"to": str(place), "sent": args.yes, "sessions": rows})
    else:
        _print_archive_rows(rows, str(place), args)
    return exit_codes.BLOCKED if any(row["trouble"] for row in rows) else exit_codes.OK


def _open_object_store(args: argparse.Namespace, url_option: str | None) -> tuple[CheckContext, ObjectStore]:
    from checks.aws.object_store import ObjectStore, ObjectStoreError
    from ecotui.cli.context import check_context

    where = check_context(args)
    url = url_option or where.settings.sessions.archive
    if not url:
        raise SessionError("no place is named: --to or --from s3://bucket/prefix, or sessions.archive in the settings")
    try:
        return where, ObjectStore(where.aws, url)
    except ObjectStoreError as error:
        raise SessionError(str(error)) from error


def _select_sessions(args: argparse.Namespace, store: SessionStore) -> list[SessionSummary]:
    """Named ones as they are; by age only those that ended."""
    chosen = {id: store.open(id).read_summary() for id in args.ids}
    if args.older_than is not None:
        limit = time.time() - args.older_than * SECONDS_PER_DAY
        for summary in store.list_summaries():
            if summary.ended is not None and summary.ended < limit:
                chosen.setdefault(summary.id, summary)
    return sorted({summary.id: summary for summary in chosen.values()}.values(), key=lambda one: one.id)


def _archive_session(
    summary: SessionSummary,
    store: SessionStore,
    object_store: ObjectStore,
    context: CheckContext,
    args: argparse.Namespace,
) -> dict[str, Any]:
    """Archive a session, or say why not; the others go on."""
    session = Session(store.folder / summary.id)
    row: dict[str, Any] = {
        "id": summary.id,
        "project": summary.project,
        "bytes": event_text.folder_bytes(session.folder),
        "archived": False,
        "removed": False,
        "trouble": "",
    }
    try:
        if list_running_commands(session):
            raise SessionError("a command of it still runs")
        if args.yes:
            row["packed"] = _upload_session(session, object_store, context)
            row["archived"] = True
            if args.remove:
                if odd := archive.find_unarchived_files(session.folder):
                    raise SessionError(f"not removed: it holds {odd[0]}, which is not in the archive")
                store.remove(summary.id)
                row["removed"] = True
    except SessionError as error:
        row["trouble"] = str(error)
    return row


def _upload_session(session: Session, object_store: ObjectStore, context: CheckContext) -> int:
    """Pack, send, read back, compare; the archive's bytes. Raises SessionError."""
    from checks.aws.object_store import ConditionFailed, ObjectStoreError

    names = [one.name for one in context.settings.environment.variables if one.secret]
    with tempfile.TemporaryFile(dir=_scratch_folder(session.folder.parent.parent)) as target:
        with raise_session_error("cannot pack into", session.folder.parent.parent):
            packed = archive.pack_session(session, target, context.env, names)
        key = f"{session.id}{archive.ARCHIVE_SUFFIX}"
        try:
            try:
                target.seek(0)
                object_store.upload(key, target, packed.size, packed.sha256)
            except ConditionFailed:
                pass  # it is there already, from an earlier time: it is good only if it is the same session
            there = archive.verify_archive(object_store.download(key, _max_archive_bytes()))
        except ObjectStoreError as error:
            raise SessionError(str(error)) from error
    if (there.id, there.events, there.head) != (session.id, packed.manifest.events, packed.manifest.head):
        raise SessionError(
            f"{object_store}/{key} is another state of this session ({there.events} events): nothing was sent"
        )
    if {part.name: part.sha256 for part in there.files} != {part.name: part.sha256 for part in packed.manifest.files}:
        raise SessionError(f"{object_store}/{key} holds other files of this session: nothing was sent")
    return packed.size


def _max_archive_bytes() -> int:
    from checks.aws.object_store import MAX_OBJECT_BYTES

    return MAX_OBJECT_BYTES


def _scratch_folder(root: Path) -> str:
    """Where an archive is put together: beside the sessions, where there is room for them, not in a small /tmp."""
    return os.fspath(root)


def _print_archive_rows(rows: list[dict[str, Any]], url: str, args: argparse.Namespace) -> None:
    for row in rows:
        done = "removed" if row["removed"] else "archived" if row["archived"] else "would be archived"
        size = format_size(row["bytes"])
        if row["trouble"]:
            print(f"✗ {row['id']}  {row['project']}  {size}  {row['trouble']}")
        else:
            packed = f" ({format_size(row['packed'])} packed, read back whole)" if row["archived"] else ""
            print(f"{done}  {row['id']}  {row['project']}  {size}{packed}")
    if not rows:
        print("No session is like that.")
    elif not args.yes:
        print(f"Nothing was sent. To send these to {url}: add --yes; and --remove, to remove them here after that.")


def run_fetch(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError, SettingsError."""
    from checks.aws.object_store import ObjectStoreError

    _, place = _open_object_store(args, args.source)
    try:
        if args.id is None:
            return _print_archived_sessions(place, args)
        id = _resolve_archived_id(place, args.id)
        folder = _download_session(place, store, id)
    except ObjectStoreError as error:
        raise SessionError(str(error)) from error
    verdict = store.open(id).verify()
    if args.json:
        print_document(
            "sessions.fetch",
            {"id": id, "folder": str(folder), "events": verdict.event_count, "head": verdict.head_hash},
        )
    else:
        print(
            f"{id} is back: {verdict.event_count} events, the chain is whole. Read it with: ecotui sessions show {id}"
        )
    return exit_codes.OK


def _archived_sessions(object_store: ObjectStore) -> Iterator[tuple[str, int]]:
    for one in object_store.list_entries():
        id = one.key.removesuffix(archive.ARCHIVE_SUFFIX)
        if one.key.endswith(archive.ARCHIVE_SUFFIX) and is_session_id(id):
            yield id, one.size


def _print_archived_sessions(object_store: ObjectStore, args: argparse.Namespace) -> int:
    there = sorted(_archived_sessions(object_store), reverse=True)
    if args.json:
        plain = [{"id": id, "bytes": size} for id, size in there]
        print_document("sessions.fetch", {"from": str(object_store), "sessions": plain})
        return exit_codes.OK
    for id, size in there:
        print(f"{id}  {format_size(size)}")
    print(f"{len(there)} sessions in {object_store}. Fetch one with: ecotui sessions fetch ID")
    return exit_codes.OK


def _resolve_archived_id(object_store: ObjectStore, prefix: str) -> str:
    """The one whose id begins so. Raises SessionError."""
    if is_session_id(prefix):
        return prefix
    found = [id for id, _ in _archived_sessions(object_store) if id.startswith(prefix)]
    if len(found) != 1:
        which = f"could be any of {', '.join(found[:5])}" if found else f"is not in {object_store}"
        raise SessionError(f"{prefix} {which}")
    return found[0]


def _download_session(object_store: ObjectStore, store: SessionStore, id: str) -> Path:
    """Into a folder beside, and into its place only when all of it is proven. Raises SessionError, StoreError."""
    from ecotui.session.private_files import make_private_folder

    final = store.folder / id
    if final.is_symlink() or final.exists():
        raise SessionError(f"{id} is here already; nothing was fetched")
    with raise_session_error("cannot make the state folder", store.root):
        store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private_folder(store.folder)
    beside = store.folder / f".{id}.{secrets.token_hex(4)}"
    try:
        archive.unpack_session(object_store.download(f"{id}{archive.ARCHIVE_SUFFIX}", _max_archive_bytes()), beside, id)
        with raise_session_error("cannot move into place", final):
            beside.rename(final)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return final
