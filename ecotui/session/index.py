"""A cache of the sessions' summaries, so that the newest of thousands are listed at once.

It holds nothing of its own: it is made from the summaries, and made again when it is missing, damaged or of another
version. Where it cannot be written (a read-only folder, a link in its place, a file system without locks) the summaries
themselves are read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ecotui.session import SessionError, hash_chain
from ecotui.session.log import SessionSummary, read_current_summary, read_session_summary, summarize_events
from ecotui.session.private_files import open_private_file, require_private_folder
from ecotui.session.query import SessionQuery

if TYPE_CHECKING:
    import sqlite3

    from ecotui.session.store import SessionStore

T = TypeVar("T")

INDEX_NAME = "index.sqlite"
INDEX_VERSION = 2
SETTLE_SECONDS = 2.0
"""Seconds. A folder that changed so shortly before it was read may have changed again within the same tick of the
clock: it is read again the next time."""
LOCK_TIMEOUT = 1.0
"""Seconds to wait for another process that writes the index."""

_SIZE_MISSING, _SIZE_UNREADABLE = -1, -2
"""Sizes that stand for a log that is not there, and for one that could not be read."""

_SCHEMA = """
CREATE TABLE session (id TEXT PRIMARY KEY, size INTEGER, summary BLOB) WITHOUT ROWID;
CREATE TABLE folder (modified INTEGER);
"""
_INSERT = "INSERT OR REPLACE INTO session VALUES (?, ?, ?)"
_decode_summary = msgspec.json.Decoder(SessionSummary).decode


class SessionIndex:
    """The index of one store. Every query opens the file anew: any number of processes may query it."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self.path = store.root / INDEX_NAME
        self.in_memory = False
        """Whether the last query was answered without the file."""

    def find_summaries(
        self, query: SessionQuery | None = None, limit: int | None = None, *, with_step_times: bool = False
    ) -> Sequence[SessionSummary]:
        """The sessions that match, newest first. Raises SessionError when the sessions cannot be listed.

        `with_step_times`: sessions that an older ecotui wrote have their steps' times too; they are counted once.
        """
        query = query or SessionQuery()

        def select(connection: sqlite3.Connection) -> Sequence[SessionSummary]:
            summaries = self._select_summaries(connection, query, limit)
            untimed = _ids_without_step_times(summaries) if with_step_times else []
            fresh = self._store_summaries(connection, untimed, summarize_events)
            return [fresh.get(summary.id, summary) for summary in summaries]

        summaries = self._query_file(select)
        if summaries is not None:
            return summaries
        summaries = self._store.list_summaries(limit if query.matches_all else None)
        summaries = list(islice(filter(query.matches, summaries), limit))
        untimed = _ids_without_step_times(summaries) if with_step_times else []
        fresh = {id: self._read_summary(id, summarize_events)[1] for id in untimed}
        return [fresh.get(summary.id, summary) for summary in summaries]

    def rebuild(self) -> int:
        """Make the index again from the summaries; the number of sessions. Raises SessionError."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise SessionError(f"cannot remove {self.path}: {error.strerror}") from error
        self._query_file(self._sync_sessions)
        return len(self._store.session_ids())

    # -- the file ------------------------------------------------------------------------------------------------

    def _query_file(self, query: Callable[[sqlite3.Connection], T]) -> T | None:
        """What the file answers, which is made again where it is damaged; None where there can be none."""
        import sqlite3

        self.in_memory = False
        for _ in range(2):
            try:
                if not os.path.lexists(self.path):
                    self._write_new_file()
                with closing(self._connect()) as connection:
                    return query(connection)
            except sqlite3.OperationalError:
                break  # locked by somebody, read-only, full: it is not the file that is bad
            except (sqlite3.DatabaseError, msgspec.DecodeError):
                try:
                    self.path.unlink(missing_ok=True)
                except OSError:
                    break
            except (OSError, _IndexUnusable):
                break
        self.in_memory = True
        return None

    def _write_new_file(self) -> None:
        """Write it whole, beside and without a journal, and put it into its place: that waits for the disk once.

        Where that cannot be done, the query makes it.
        """
        import sqlite3

        beside = self.path.with_name(f".{INDEX_NAME}.{os.getpid()}")
        try:
            require_private_folder(self._store.root)
            beside.unlink(missing_ok=True)
            fd = open_private_file(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
                    connection.execute("PRAGMA journal_mode = OFF")
                    connection.execute("PRAGMA synchronous = OFF")
                    _create_tables(connection)
                    self._sync_sessions(connection)
                os.fsync(fd)
                beside.replace(self.path)
            finally:
                os.close(fd)
        except (sqlite3.Error, OSError, SessionError):
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        try:
            require_private_folder(self._store.root)
        except SessionError as error:
            raise _IndexUnusable from error
        os.close(open_private_file(self.path, os.O_RDWR | os.O_CREAT))  # private, and never through a link
        connection = sqlite3.connect(self.path, timeout=LOCK_TIMEOUT, isolation_level=None)
        try:
            _create_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    # -- its content ---------------------------------------------------------------------------------------------

    def _select_summaries(
        self, connection: sqlite3.Connection, query: SessionQuery, limit: int | None
    ) -> Sequence[SessionSummary]:
        self._sync_sessions(connection)
        select = "SELECT id, size, summary FROM session ORDER BY id DESC LIMIT ?"
        max_rows = limit if limit is not None and query.matches_all else -1
        rows = connection.execute(select, (max_rows,)).fetchall()
        grown = [id for id, size, _ in rows if size == _SIZE_UNREADABLE or self._log_size(id) != size]
        fresh = self._store_summaries(connection, grown)
        summaries = (fresh.get(id) or _decode_summary(encoded) for id, _, encoded in rows)
        return list(islice(filter(query.matches, summaries), limit))

    def _sync_sessions(self, connection: sqlite3.Connection) -> None:
        """Add the sessions that are new, and remove those that are gone."""
        try:
            modified = self._store.folder.stat().st_mtime_ns
        except OSError:
            modified = 0
        if connection.execute("SELECT modified FROM folder").fetchone() == (modified,):
            return
        is_settled = abs(time.time() - modified / 1e9) > SETTLE_SECONDS
        current = set(self._store.session_ids())
        known = {id for (id,) in connection.execute("SELECT id FROM session")}
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM session WHERE id = ?", [(id,) for id in known - current])
        connection.executemany(_INSERT, self._rows(sorted(current - known)))
        connection.execute("DELETE FROM folder")
        connection.execute("INSERT INTO folder VALUES (?)", (modified if is_settled else None,))
        connection.execute("COMMIT")

    def _store_summaries(
        self,
        connection: sqlite3.Connection,
        ids: Sequence[str],
        read: Callable[[Path], SessionSummary] = read_session_summary,
    ) -> dict[str, SessionSummary]:
        """Read these sessions again, and write what was read; by their ids."""
        if not ids:
            return {}
        rows = [(id, *self._read_summary(id, read)) for id in ids]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, [(id, size, msgspec.json.encode(summary)) for id, size, summary in rows])
        connection.execute("COMMIT")
        return {id: summary for id, _, summary in rows}

    def _rows(self, ids: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        """One by one: of thousands none is held in memory."""
        folder = str(self._store.folder)
        for id in ids:
            summary = read_current_summary(f"{folder}/{id}")
            size, summary = self._read_summary(id) if summary is None else (summary.size, summary)
            yield id, size, msgspec.json.encode(summary)

    def _read_summary(
        self, id: str, read: Callable[[Path], SessionSummary] = read_session_summary
    ) -> tuple[int, SessionSummary]:
        """A summary, and the size of the log that it is of."""
        size = self._log_size(id)  # first: what is added while we read makes it stale again
        try:
            return size, read(self._store.folder / id)
        except SessionError:
            return _SIZE_UNREADABLE, SessionSummary(id=id, outcome="unreadable")

    def _log_size(self, id: str) -> int:
        try:
            return os.lstat(f"{self._store.folder}/{id}/{hash_chain.LOG_NAME}").st_size
        except OSError:
            return _SIZE_MISSING


class _IndexUnusable(Exception):
    """The state folder is not one to write an index to."""


def _ids_without_step_times(summaries: Sequence[SessionSummary]) -> list[str]:
    return [summary.id for summary in summaries if summary.took is None and summary.outcome != "unreadable"]


def _create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of this version, where they are not there."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == INDEX_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        connection.execute(f'DROP TABLE "{table}"')
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {INDEX_VERSION}")
    connection.execute("COMMIT")
