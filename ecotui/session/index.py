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
from ecotui.session.log import Summary, counted, kept_summary, read_summary
from ecotui.session.private_files import check_folder, open_file

if TYPE_CHECKING:
    import sqlite3

    from ecotui.session.store import Store

T = TypeVar("T")

NAME = "index.sqlite"
VERSION = 1
SETTLED = 2.0
"""Seconds. A folder that changed so shortly before it was read may have changed again within the same tick of the
clock: it is read again the next time."""
BUSY = 1.0
"""Seconds to wait for another process that writes the index."""

_ABSENT, _UNREAD = -1, -2
"""Sizes that stand for a log that is not there, and for one that could not be read."""

_TABLES = """
CREATE TABLE session (id TEXT PRIMARY KEY, size INTEGER, project TEXT, operator TEXT, started REAL, outcome TEXT,
    steps TEXT, tags TEXT, words TEXT, summary BLOB) WITHOUT ROWID;
CREATE TABLE shelf (changed INTEGER, settled INTEGER);
"""


_INSERT = "INSERT OR REPLACE INTO session VALUES (?,?,?,?,?,?,?,?,?,?)"


@dataclass(frozen=True, kw_only=True)
class Wanted:
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
    parts: bool = False
    """A part of the project, the outcome, the operator, the step or the tag is enough, in any case: for what is still
    being typed."""

    @property
    def everything(self) -> bool:
        return replace(self, parts=False) == Wanted()

    def clauses(self) -> Iterator[tuple[str, object]]:
        """What SQL asks for it."""
        if self.parts:
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
                self, parts=False, project="", outcome="", operator="", step="", tag=""
            ).clauses()
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


class Index:
    """The index of one store. Every question opens the file anew: any number of processes may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.path = store.root / NAME
        self.in_memory = False
        """Whether the last answer came without the file."""

    def list(
        self, wanted: Wanted | None = None, limit: int | None = None, *, timed: bool = False
    ) -> Sequence[Summary]:
        """The sessions that are wanted, newest first. Raises SessionError when the shelf cannot be read.

        `timed`: also those that an older ecotui wrote have their steps' times; they are counted once.
        """
        wanted = wanted or Wanted()

        def answer(base: sqlite3.Connection) -> Sequence[Summary]:
            found = self._answer(base, wanted, limit)
            return self._timed(base, found) if timed else found

        found = self._asked(answer)
        if found is not None:
            return found
        if wanted.everything and not timed:
            return self._store.list(limit)
        import sqlite3

        with closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
            base.executescript(_TABLES)
            return answer(base)

    def rebuild(self) -> int:
        """Make the index again from the summaries, and say of how many sessions. Raises SessionError."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise SessionError(f"cannot remove {self.path}: {error.strerror}") from error
        count = self._asked(self._count)
        return len(self._store.ids()) if count is None else count

    def _count(self, base: sqlite3.Connection) -> int:
        self._follow_shelf(base)
        (count,) = base.execute("SELECT count(*) FROM session").fetchone()
        return int(count)

    def _make(self) -> None:
        """Write it whole, beside and without a journal, and put it into its place: that waits for the disk once.

        Where it cannot be done so, it is made as it is asked.
        """
        import sqlite3

        beside = self.path.with_name(f".{NAME}.{os.getpid()}")
        try:
            check_folder(self._store.root)
            beside.unlink(missing_ok=True)
            fd = open_file(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                with closing(sqlite3.connect(beside, isolation_level=None)) as base:
                    base.execute("PRAGMA journal_mode = OFF")
                    base.execute("PRAGMA synchronous = OFF")
                    _prepare(base)
                    self._follow_shelf(base)
                os.fsync(fd)
                beside.replace(self.path)
            finally:
                os.close(fd)
        except (sqlite3.Error, OSError, SessionError):
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _asked(self, question: Callable[[sqlite3.Connection], T]) -> T | None:
        """What the file answers, which is made anew where it is damaged; None where there can be none."""
        import sqlite3

        self.in_memory = False
        for _ in range(2):
            try:
                if not os.path.lexists(self.path):
                    self._make()
                with closing(self._open()) as base:
                    return question(base)
            except sqlite3.OperationalError:
                break  # locked by somebody, read-only, full: it is not the file that is bad
            except (sqlite3.DatabaseError, msgspec.DecodeError):
                try:
                    self.path.unlink(missing_ok=True)
                except OSError:
                    break
            except (OSError, _Unusable):
                break
        self.in_memory = True
        return None

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        try:
            check_folder(self._store.root)
        except SessionError as error:
            raise _Unusable from error
        os.close(open_file(self.path, os.O_RDWR | os.O_CREAT))  # private, and never through a link
        base = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)
        try:
            _prepare(base)
        except BaseException:
            base.close()
            raise
        return base

    def _answer(self, base: sqlite3.Connection, wanted: Wanted, limit: int | None) -> Sequence[Summary]:
        self._follow_shelf(base)
        if not wanted.everything:  # any of them may have come to match since
            self._follow(base, base.execute("SELECT id, size FROM session").fetchall())
        clauses = list(wanted.clauses())
        where = " AND ".join(clause for clause, _ in clauses) or "1"
        asked = f"SELECT id, size, summary FROM session WHERE {where} ORDER BY id DESC LIMIT ?"
        values = [value for _, value in clauses] + [-1 if limit is None else limit]
        rows = base.execute(asked, values).fetchall()
        fresh = self._follow(base, [(id, size) for id, size, _ in rows]) if wanted.everything else {}
        return [fresh.get(id) or _decode(blob) for id, _, blob in rows]

    def _follow_shelf(self, base: sqlite3.Connection) -> None:
        """Take in the sessions that are new, and let go of those that are not there any more."""
        import time

        try:
            changed = self._store.folder.stat().st_mtime_ns
        except OSError:
            changed = 0
        known = base.execute("SELECT changed, settled FROM shelf").fetchone()
        if known == (changed, 1):
            return
        settled = int(abs(time.time() - changed / 1e9) > SETTLED)
        there = set(self._store.ids())
        had = {id for (id,) in base.execute("SELECT id FROM session")}
        base.execute("BEGIN IMMEDIATE")
        base.executemany("DELETE FROM session WHERE id = ?", [(id,) for id in had - there])
        base.executemany(_INSERT, self._rows(sorted(there - had)))  # one by one: of thousands none is kept
        base.execute("DELETE FROM shelf")
        base.execute("INSERT INTO shelf VALUES (?, ?)", (changed, settled))
        base.execute("COMMIT")

    def _follow(self, base: sqlite3.Connection, known: Sequence[tuple[str, int]]) -> dict[str, Summary]:
        """Read again those whose log grew since; gives their summaries."""
        stale = [id for id, size in known if size == _UNREAD or self._size(id) != size]
        if not stale:
            return {}
        base.execute("BEGIN IMMEDIATE")
        fresh = self._put(base, stale)
        base.execute("COMMIT")
        return fresh

    def _timed(self, base: sqlite3.Connection, found: Sequence[Summary]) -> Sequence[Summary]:
        """The same, each with its steps' times."""
        without = [one.id for one in found if one.took is None and one.outcome != "unreadable"]
        if not without:
            return found
        base.execute("BEGIN IMMEDIATE")
        fresh = self._put(base, without, counted)
        base.execute("COMMIT")
        return [fresh.get(one.id, one) for one in found]

    def _put(
        self, base: sqlite3.Connection, ids: Sequence[str], read: Callable[[Path], Summary] | None = None
    ) -> dict[str, Summary]:
        fresh: dict[str, Summary] = {}
        base.executemany(_INSERT, self._rows(ids, read, fresh))
        return fresh

    def _rows(
        self,
        ids: Sequence[str],
        read: Callable[[Path], Summary] | None = None,
        fresh: dict[str, Summary] | None = None,
    ) -> Iterator[tuple[object, ...]]:
        """What is written of sessions; `fresh` takes their summaries."""
        folder = str(self._store.folder)
        for id in ids:
            summary = kept_summary(f"{folder}/{id}") if read is None else None
            if summary is not None:
                size = summary.size
            else:
                size = self._size(id)  # first: what is added while we read makes it stale again
                try:
                    summary = (read or read_summary)(self._store.folder / id)
                except SessionError:
                    summary, size = Summary(id=id, outcome="unreadable"), _UNREAD
            if fresh is not None:
                fresh[id] = summary
            yield (id, size, *_columns(summary), msgspec.json.encode(summary))

    def _size(self, id: str) -> int:
        try:
            return os.lstat(f"{self._store.folder}/{id}/{hash_chain.NAME}").st_size
        except OSError:
            return _ABSENT


class _Unusable(Exception):
    """The state folder is not one to write an index to."""


def _prepare(base: sqlite3.Connection) -> None:
    """Make the tables of this version, where they are not there."""
    (version,) = base.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    base.execute("BEGIN IMMEDIATE")
    for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        base.execute(f'DROP TABLE "{table}"')
    for statement in _TABLES.split(";"):
        base.execute(statement)
    base.execute(f"PRAGMA user_version = {VERSION}")
    base.execute("COMMIT")


_decode = msgspec.json.Decoder(Summary).decode


def _columns(summary: Summary) -> tuple[str, str, float, str, str, str, str]:
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
