"""`ecotui sessions archive`: past sessions to S3, read back and compared before anything is removed here."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from checks.size import format_size
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import SECONDS_PER_DAY, parse_count
from ecotui.history import archive
from ecotui.session import SessionError
from ecotui.session.log import Session, SessionSummary
from ecotui.session.private_files import folder_size, raise_session_error
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_running_commands

if TYPE_CHECKING:
    from checks.aws.object_store import ObjectStore
    from checks.context import CheckContext


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", help="sessions, or the beginnings of their ids")
    parser.add_argument(
        "--older-than", type=parse_count, metavar="DAYS", help="all that ended so many days ago, or earlier"
    )
    parser.add_argument("--to", metavar="URL", help="s3://bucket/prefix (default: sessions.archive)")
    parser.add_argument("--yes", action="store_true", help="really send them; without it, only list them")
    parser.add_argument(
        "--remove", action="store_true", help="with --yes: remove here what was read back from there whole"
    )


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError, SettingsError."""
    if args.remove and not args.yes:
        print("ecotui sessions archive: --remove goes with --yes", file=sys.stderr)
        return exit_codes.USAGE
    if not args.ids and args.older_than is None:
        print("ecotui sessions archive: name sessions, or --older-than DAYS", file=sys.stderr)
        return exit_codes.USAGE
    context, object_store = open_object_store(args, args.to)
    rows = [_archive_session(summary, store, object_store, context, args) for summary in _select_sessions(args, store)]
    if args.json:
        print_document("sessions.archive", {"to": str(object_store), "sent": args.yes, "sessions": rows})
    else:
        _print_archive_rows(rows, str(object_store), args)
    return exit_codes.BLOCKED if any(row["trouble"] for row in rows) else exit_codes.OK


def open_object_store(args: argparse.Namespace, url_option: str | None) -> tuple[CheckContext, ObjectStore]:
    from checks.aws.object_store import ObjectStore, ObjectStoreError
    from ecotui.cli.context import check_context

    context = check_context(args)
    url = url_option or context.settings.sessions.archive
    if not url:
        raise SessionError(
            "no bucket is named: use --to or --from s3://bucket/prefix, or sessions.archive in the settings"
        )
    try:
        return context, ObjectStore(context.aws, url)
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
    return sorted({summary.id: summary for summary in chosen.values()}.values(), key=lambda summary: summary.id)


def _archive_session(
    summary: SessionSummary,
    store: SessionStore,
    object_store: ObjectStore,
    context: CheckContext,
    args: argparse.Namespace,
) -> dict[str, Any]:
    """One session's row; a session that cannot be archived does not stop the others."""
    session = Session(store.folder / summary.id)
    row: dict[str, Any] = {
        "id": summary.id,
        "project": summary.project,
        "bytes": folder_size(session.folder),
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
                if unarchived := archive.find_unarchived_files(session.folder):
                    raise SessionError(f"not removed: it holds {unarchived[0]}, which is not in the archive")
                store.remove(summary.id)
                row["removed"] = True
    except SessionError as error:
        row["trouble"] = str(error)
    return row


def _upload_session(session: Session, object_store: ObjectStore, context: CheckContext) -> int:
    """Pack, send, read back, compare; the archive's bytes. Raises SessionError."""
    from checks.aws.object_store import MAX_OBJECT_BYTES, ConditionFailed, ObjectStoreError

    names = [variable.name for variable in context.settings.environment.variables if variable.secret]
    # Beside the sessions, where there is room for them, not in a small /tmp.
    root = session.folder.parent.parent
    with tempfile.TemporaryFile(dir=root) as target:
        with raise_session_error("cannot pack into", root):
            packed = archive.pack_session(session, target, context.env, names)
        key = f"{session.id}{archive.ARCHIVE_SUFFIX}"
        try:
            try:
                target.seek(0)
                object_store.upload(key, target, packed.size, packed.sha256)
            except ConditionFailed:
                pass  # it is there already, from an earlier time: it is good only if it is the same session
            stored = archive.verify_archive(object_store.download(key, MAX_OBJECT_BYTES))
        except ObjectStoreError as error:
            raise SessionError(str(error)) from error
    if (stored.id, stored.events, stored.head) != (session.id, packed.manifest.events, packed.manifest.head):
        raise SessionError(
            f"{object_store}/{key} is another state of this session ({stored.events} events): nothing was sent"
        )
    if {file.name: file.sha256 for file in stored.files} != {file.name: file.sha256 for file in packed.manifest.files}:
        raise SessionError(f"{object_store}/{key} holds other files of this session: nothing was sent")
    return packed.size


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
        print("No sessions match.")
    elif not args.yes:
        print(f"Nothing was sent. To send these to {url}: add --yes; and --remove, to remove them here after that.")
