"""An index of the sessions, so that thousands are listed and filtered at once.

It holds nothing of its own: it is made from the summaries, and made again when it is missing, damaged or of another
version. Where it cannot be written (a read-only folder, a link in its place, a file system without locks) the same
questions are answered from memory, by reading the summaries.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ecotui.session import SessionError, hash_chain
from ecotui.session.log import SessionSummary, read_current_summary, read_session_summary, summarize_events
from ecotui.session.private_files import open_private_file, require_private_folder

if TYPE_CHECKING:
    import sqlite3

    from ecotui.session.store import SessionStore

T = TypeVar("T")

INDEX_NAME = "index.sqlite"
INDEX_VERSION = 1
SETTLE_SECONDS = 2.0
"""Seconds. A folder that changed so shortly before it was read may have changed again within the same tick of the
clock: it is read again the next time."""
LOCK_TIMEOUT = 1.0
"""Seconds to wait for another process that writes the index."""

_SIZE_MISSING, _SIZE_UNREADABLE = -1, -2
"""Sizes that stand for a log that is not there, and for one that could not be read."""

_SCHEMA = """
CREATE TABLE session (id TEXT PRIMARY KEY, size INTEGER, project TEXT, operator TEXT, started REAL, outcome TEXT,
    steps TEXT, tags TEXT, words TEXT, summary BLOB) WITHOUT ROWID;
CREATE TABLE shelf (changed INTEGER, settled INTEGER);
"""


_INSERT = "INSERT OR REPLACE INTO session VALUES (?,?,?,?,?,?,?,?,?,?)"


@dataclass(frozen=True, kw_only=True)
class SessionQuery:
    """Which sessions. What is empty or None does not matter."""

    project: str = ""
    outcome: str = ""
    """As logged; `open` and `running` are sessions that did not end."""
    step: str = ""
    """A step that was looked at, or `step:state` of its last look."""
    operator: str = ""
    """A part of the name."""
    tag: str = ""
    since: float | None = None
    until: float | None = None
    """Seconds since the epoch; `until` is not included."""
    text: str = ""
    """Words, all of which stand somewhere in the summary, in any case."""
    allow_partial: bool = False
    """A part of the project, the outcome, the operator, the step or the tag is enough, in any case: for what is still
    being typed."""

    @property
    def matches_all(self) -> bool:
        return replace(self, allow_partial=False) == SessionQuery()

    def sql_clauses(self) -> Iterator[tuple[str, object]]:
        """What SQL asks for it."""
        if self.allow_partial:
            for column, part in (
                ("project", self.project),
                ("CASE outcome WHEN '' THEN 'open running' ELSE outcome END", self.outcome),
                ("operator", self.operator),
                ("steps", self.step),
                ("tags", self.tag),
            ):
                if part:
                    yield f"instr(lower({column}), ?)", part.lower()
            yield from replace(
                self, allow_partial=False, project="", outcome="", operator="", step="", tag=""
            ).sql_clauses()
            return
        if self.project:
            yield "project = ?", self.project
        if self.outcome:
            yield "outcome = ?", "" if self.outcome in ("open", "running") else self.outcome
        if self.step:
            yield "instr(steps, ?)", f" {self.step} " if ":" in self.step else f" {self.step}:"
        if self.operator:
            yield "instr(operator, ?)", self.operator
        if self.tag:
            yield "instr(tags, ?)", f" {self.tag} "
        if self.since is not None:
            yield "started >= ?", self.since
        if self.until is not None:
            yield "started < ?", self.until
        for word in self.text.lower().split():
            yield "instr(words, ?)", word


class SessionIndex:
    """The index of one store. Every question opens the file anew: any number of processes may ask."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self.path = store.root / INDEX_NAME
        self.in_memory = False
        """Whether the last answer came without the file."""

    def find_summaries(
        self, query: SessionQuery | None = None, limit: int | None = None, *, with_step_times: bool = False
    ) -> Sequence[SessionSummary]:
        """The sessions that are wanted, newest first. Raises SessionError when the shelf cannot be read.

        `timed`: also those that an older ecotui wrote have their steps' times; they are counted once.
        """
        query = query or SessionQuery()

        def answer(base: sqlite3.Connection) -> Sequence[SessionSummary]:
            found = self._select_summaries(base, query, limit)
            return self._add_step_times(base, found) if with_step_times else found

        found = self._query_file(answer)
        if found is not None:
            return found
        if query.matches_all and not with_step_times:
            return self._store.list_summaries(limit)
        import sqlite3

        with closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
            base.executescript(_SCHEMA)
            return answer(base)

    def rebuild(self) -> int:
        """Make the index again from the summaries, and say of how many sessions. Raises SessionError."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise SessionError(f"cannot remove {self.path}: {error.strerror}") from error
        count = self._query_file(self._count_sessions)
        return len(self._store.session_ids()) if count is None else count

    def _count_sessions(self, base: sqlite3.Connection) -> int:
        self._sync_sessions(base)
        (count,) = base.execute("SELECT count(*) FROM session").fetchone()
        return int(count)

    def _write_new_index(self) -> None:
        """Write it whole, beside and without a journal, and put it into its place: that waits for the disk once.

        Where it cannot be done so, it is made as it is asked.
        """
        import sqlite3

        beside = self.path.with_name(f".{INDEX_NAME}.{os.getpid()}")
        try:
            require_private_folder(self._store.root)
            beside.unlink(missing_ok=True)
            fd = open_private_file(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                with closing(sqlite3.connect(beside, isolation_level=None)) as base:
                    base.execute("PRAGMA journal_mode = OFF")
                    base.execute("PRAGMA synchronous = OFF")
                    _create_tables(base)
                    self._sync_sessions(base)
                os.fsync(fd)
                beside.replace(self.path)
            finally:
                os.close(fd)
        except (sqlite3.Error, OSError, SessionError):
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _query_file(self, query: Callable[[sqlite3.Connection], T]) -> T | None:
        """What the file answers, which is made anew where it is damaged; None where there can be none."""
        import sqlite3

        self.in_memory = False
        for _ in range(2):
            try:
                if not os.path.lexists(self.path):
                    self._write_new_index()
                with closing(self._connect()) as base:
                    return query(base)
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

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        try:
            require_private_folder(self._store.root)
        except SessionError as error:
            raise _IndexUnusable from error
        os.close(open_private_file(self.path, os.O_RDWR | os.O_CREAT))  # private, and never through a link
        base = sqlite3.connect(self.path, timeout=LOCK_TIMEOUT, isolation_level=None)
        try:
            _create_tables(base)
        except BaseException:
            base.close()
            raise
        return base

    def _select_summaries(
        self, base: sqlite3.Connection, query: SessionQuery, limit: int | None
    ) -> Sequence[SessionSummary]:
        self._sync_sessions(base)
        if not query.matches_all:  # any of them may have come to match since
            self._refresh_grown(base, base.execute("SELECT id, size FROM session").fetchall())
        clauses = list(query.sql_clauses())
        where = " AND ".join(clause for clause, _ in clauses) or "1"
        asked = f"SELECT id, size, summary FROM session WHERE {where} ORDER BY id DESC LIMIT ?"
        values = [value for _, value in clauses] + [-1 if limit is None else limit]
        rows = base.execute(asked, values).fetchall()
        fresh = self._refresh_grown(base, [(id, size) for id, size, _ in rows]) if query.matches_all else {}
        return [fresh.get(id) or _decode_summary(blob) for id, _, blob in rows]

    def _sync_sessions(self, base: sqlite3.Connection) -> None:
        """Take in the sessions that are new, and let go of those that are not there any more."""
        import time

        try:
            changed = self._store.folder.stat().st_mtime_ns
        except OSError:
            changed = 0
        known = base.execute("SELECT changed, settled FROM shelf").fetchone()
        if known == (changed, 1):
            return
        settled = int(abs(time.time() - changed / 1e9) > SETTLE_SECONDS)
        there = set(self._store.session_ids())
        had = {id for (id,) in base.execute("SELECT id FROM session")}
        base.execute("BEGIN IMMEDIATE")
        base.executemany("DELETE FROM session WHERE id = ?", [(id,) for id in had - there])
        base.executemany(_INSERT, self._summary_rows(sorted(there - had)))  # one by one: of thousands none is kept
        base.execute("DELETE FROM shelf")
        base.execute("INSERT INTO shelf VALUES (?, ?)", (changed, settled))
        base.execute("COMMIT")

    def _refresh_grown(self, base: sqlite3.Connection, known: Sequence[tuple[str, int]]) -> dict[str, SessionSummary]:
        """Read again those whose log grew since; gives their summaries."""
        stale = [id for id, size in known if size == _SIZE_UNREADABLE or self._log_size(id) != size]
        if not stale:
            return {}
        base.execute("BEGIN IMMEDIATE")
        fresh = self._store_summaries(base, stale)
        base.execute("COMMIT")
        return fresh

    def _add_step_times(
        self, base: sqlite3.Connection, summaries: Sequence[SessionSummary]
    ) -> Sequence[SessionSummary]:
        """The same, each with its steps' times."""
        without = [one.id for one in summaries if one.took is None and one.outcome != "unreadable"]
        if not without:
            return summaries
        base.execute("BEGIN IMMEDIATE")
        fresh = self._store_summaries(base, without, summarize_events)
        base.execute("COMMIT")
        return [fresh.get(one.id, one) for one in summaries]

    def _store_summaries(
        self, base: sqlite3.Connection, ids: Sequence[str], read: Callable[[Path], SessionSummary] | None = None
    ) -> dict[str, SessionSummary]:
        fresh: dict[str, SessionSummary] = {}
        base.executemany(_INSERT, self._summary_rows(ids, read, fresh))
        return fresh

    def _summary_rows(
        self,
        ids: Sequence[str],
        read: Callable[[Path], SessionSummary] | None = None,
        fresh: dict[str, SessionSummary] | None = None,
    ) -> Iterator[tuple[object, ...]]:
        """What is written of sessions; `fresh` takes their summaries."""
        folder = str(self._store.folder)
        for id in ids:
            summary = read_current_summary(f"{folder}/{id}") if read is None else None
            if summary is not None:
                size = summary.size
            else:
                size = self._log_size(id)  # first: what is added while we read makes it stale again
                try:
                    summary = (read or read_session_summary)(self._store.folder / id)
                except SessionError:
                    summary, size = SessionSummary(id=id, outcome="unreadable"), _SIZE_UNREADABLE
            if fresh is not None:
                fresh[id] = summary
            yield (id, size, *_summary_columns(summary), msgspec.json.encode(summary))

    def _log_size(self, id: str) -> int:
        try:
            return os.lstat(f"{self._store.folder}/{id}/{hash_chain.LOG_NAME}").st_size
        except OSError:
            return _SIZE_MISSING


class _IndexUnusable(Exception):
    """The state folder is not one to write an index to."""


def _create_tables(base: sqlite3.Connection) -> None:
    """Make the tables of this version, where they are not there."""
    (version,) = base.execute("PRAGMA user_version").fetchone()
    if version == INDEX_VERSION:
        return
    base.execute("BEGIN IMMEDIATE")
    for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        base.execute(f'DROP TABLE "{table}"')
    for statement in _SCHEMA.split(";"):
        base.execute(statement)
    base.execute(f"PRAGMA user_version = {INDEX_VERSION}")
    base.execute("COMMIT")


_decode_summary = msgspec.json.Decoder(SessionSummary).decode


def _summary_columns(summary: SessionSummary) -> tuple[str, str, float, str, str, str, str]:
    steps = " ".join(f"{step}:{state}" for step, state in summary.steps.items())
    tags = " ".join(summary.tags)
    words = " ".join(
        (
            summary.id,
            summary.project,
            summary.folder,
            summary.by,
            summary.outcome or "open",
            steps,
            tags,
            *summary.notes,
        )
    )
    return (
        summary.project,
        summary.by,
        summary.started,
        summary.outcome,
        f" {steps} ",
        f" {tags} ",
        words.lower(),
    )
