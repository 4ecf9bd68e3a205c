"""`ecotui sessions fetch`: archived sessions back from S3, verified before they are listed again."""

from __future__ import annotations

import argparse
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from checks.size import format_size
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.archive import open_object_store
from ecotui.history import archive
from ecotui.session import SessionError
from ecotui.session.private_files import make_private_folder, raise_session_error
from ecotui.session.store import SessionStore, is_session_id

if TYPE_CHECKING:
    from checks.aws.object_store import ObjectStore


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="the session; without it, list what is there")
    parser.add_argument("--from", dest="source", metavar="URL", help="s3://bucket/prefix (default: sessions.archive)")


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError, SettingsError."""
    from checks.aws.object_store import ObjectStoreError

    _, object_store = open_object_store(args, args.source)
    try:
        if args.id is None:
            return _print_archived_sessions(object_store, args)
        id = _resolve_archived_id(object_store, args.id)
        folder = download_session(object_store, store, id)
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
    for entry in object_store.list_entries():
        id = entry.key.removesuffix(archive.ARCHIVE_SUFFIX)
        if entry.key.endswith(archive.ARCHIVE_SUFFIX) and is_session_id(id):
            yield id, entry.size


def _print_archived_sessions(object_store: ObjectStore, args: argparse.Namespace) -> int:
    archived = sorted(_archived_sessions(object_store), reverse=True)
    if args.json:
        documents = [{"id": id, "bytes": size} for id, size in archived]
        print_document("sessions.fetch", {"from": str(object_store), "sessions": documents})
        return exit_codes.OK
    for id, size in archived:
        print(f"{id}  {format_size(size)}")
    print(f"{len(archived)} sessions in {object_store}. Fetch one with: ecotui sessions fetch ID")
    return exit_codes.OK


def _resolve_archived_id(object_store: ObjectStore, prefix: str) -> str:
    """The id that begins with the prefix. Raises SessionError."""
    if is_session_id(prefix):
        return prefix
    matches = [id for id, _ in _archived_sessions(object_store) if id.startswith(prefix)]
    if len(matches) != 1:
        problem = f"could be any of {', '.join(matches[:5])}" if matches else f"is not in {object_store}"
        raise SessionError(f"{prefix} {problem}")
    return matches[0]


def download_session(object_store: ObjectStore, store: SessionStore, id: str) -> Path:
    """Unpack into a temporary folder, renamed when all is verified. Raises SessionError, ObjectStoreError."""
    from checks.aws.object_store import MAX_OBJECT_BYTES

    final = store.folder / id
    if final.is_symlink() or final.exists():
        raise SessionError(f"{id} is here already; nothing was fetched")
    with raise_session_error("cannot make the state folder", store.root):
        store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private_folder(store.folder)
    beside = store.folder / f".{id}.{secrets.token_hex(4)}"
    try:
        archive.unpack_session(object_store.download(f"{id}{archive.ARCHIVE_SUFFIX}", MAX_OBJECT_BYTES), beside, id)
        with raise_session_error("cannot move into place", final):
            beside.rename(final)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return final
