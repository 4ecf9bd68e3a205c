"""The index of sessions: quick, disposable, and never wrong about what the folders say."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from checks.finding import CheckState, Finding, Report
from ecotui.cli import main
from ecotui.session import events
from ecotui.session.index import SessionIndex
from ecotui.session.log import Session
from ecotui.session.query import SessionQuery
from ecotui.session.store import SessionStore

Make = Callable[..., Session]


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "state")


@pytest.fixture
def make(store: SessionStore) -> Make:
    made = []

    def make(project: str = "eco2", by: str = "kim", state: CheckState | None = None, end: str = "done") -> Session:
        session = store.create(project=project, folder=Path("/p"), env={"USER": by})
        moved = session.folder.with_name(f"20260101-{len(made):06}-abcdef")
        session.close()
        session.folder.rename(moved)
        (moved / "summary.json").unlink()
        made.append(moved)
        session = Session(moved, {})
        if state is not None:
            finding = Finding(id="quota.vcpu", step="quota", state=state, title="t", summary="s")
            report = Report(step="quota", findings=(finding,), started=1.0, seconds=0.1)
            session.append(events.CheckReported(report=report))
        if end:
            session.end(end)
        return session

    return make


def _settle(store: SessionStore) -> None:
    """As if the shelf had last changed long ago."""
    os.utime(store.folder, (1e9, 1e9))


def test_the_index_lists_what_the_folders_say_and_follows_them(store: SessionStore, make: Make) -> None:
    sessions = [make(f"p{number}") for number in range(4)]
    index = SessionIndex(store)
    assert index.find_summaries() == store.list_summaries()
    assert not index.in_memory
    _settle(store)
    assert [one.project for one in index.find_summaries(limit=2)] == ["p3", "p2"]
    sessions[3].append(events.SessionResumed(by="lee"))
    sessions[1].append(events.TagChanged(tag="slow"))
    assert index.find_summaries(limit=1)[0].outcome == ""
    assert [one.id for one in index.find_summaries(SessionQuery(tag="slow"))] == [sessions[1].id]
    store.remove(sessions[2].id)
    assert [one.project for one in index.find_summaries()] == ["p3", "p1", "p0"]


def test_it_is_made_again_whole_while_others_read_it(store: SessionStore, make: Make) -> None:
    made = [make(f"p{number}") for number in range(3)]
    index = SessionIndex(store)
    assert index.rebuild() == 3
    with closing(sqlite3.connect(index.path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM session").fetchone() == (3,)
        made.append(make("p3"))
        assert index.rebuild() == 4
        assert reader.execute("SELECT count(*) FROM session").fetchone() == (3,)
    assert not index.in_memory
    assert index.find_summaries() == store.list_summaries()
    assert [path.name for path in store.root.iterdir() if path.is_file()] == [index.path.name]
    assert index.path.stat().st_mode & 0o777 == 0o600


def test_sessions_are_found_by_what_they_were(store: SessionStore, make: Make) -> None:
    blocked = make("eco2", state=CheckState.BLOCKED, end="failed")
    fine = make("other", state=CheckState.OK)
    still = make("eco2", end="")
    still.append(events.NoteAdded(text="The Link to Seoul was slow"))
    index = SessionIndex(store)

    def found(**wanted: object) -> list[str]:
        return [one.id for one in index.find_summaries(msgspec.convert(wanted, type=SessionQuery))]

    assert found(project="eco2") == [still.id, blocked.id]
    assert found(outcome="failed") == [blocked.id]
    assert found(outcome="open") == [still.id]
    assert found(step="quota") == [fine.id, blocked.id]
    assert found(step="quota:blocked") == [blocked.id]
    assert found(text="seoul SLOW") == [still.id]
    assert found(text="%") == []
    began = index.find_summaries()[0].started
    assert found(since=began + 60) == []
    assert len(found(since=began - 600, until=began + 600)) == 3


@pytest.mark.parametrize("damage", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_index_is_made_again(store: SessionStore, make: Make, damage: bytes) -> None:
    make("one")
    index = SessionIndex(store)
    index.find_summaries()
    index.path.write_bytes(damage)
    assert [one.project for one in index.find_summaries(SessionQuery(text="one"))] == ["one"]
    assert not index.in_memory
    assert index.path.stat().st_mode & 0o777 == 0o600


def test_a_link_instead_of_the_index_is_not_followed(store: SessionStore, make: Make, tmp_path: Path) -> None:
    make("one")
    aim = tmp_path / "aim"
    index = SessionIndex(store)
    index.path.symlink_to(aim)
    assert [one.project for one in index.find_summaries(SessionQuery(project="one"))] == ["one"]
    assert [one.project for one in index.find_summaries()] == ["one"]
    assert index.in_memory
    assert not aim.exists()


def test_an_index_that_another_process_keeps_locked_is_done_without(
    store: SessionStore, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    monkeypatch.setattr("ecotui.session.index.LOCK_TIMEOUT", 0.01)
    make("one")
    index = SessionIndex(store)
    index.find_summaries()
    make("two")
    other = sqlite3.connect(index.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert [one.project for one in index.find_summaries()] == ["two", "one"]
    assert index.in_memory
    other.close()


def test_an_unreadable_session_is_listed_and_read_again(store: SessionStore, make: Make) -> None:
    session = make("one")
    (session.folder / "summary.json").unlink()
    kept = session.events_path.read_bytes()
    session.events_path.unlink()
    index = SessionIndex(store)
    assert [one.outcome for one in index.find_summaries()] == ["unreadable"]
    session.events_path.write_bytes(kept)
    assert [one.project for one in index.find_summaries()] == ["one"]


def test_notes_and_tags_are_written_and_found(
    store: SessionStore, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(store.root))
    session = make("one")
    make("two")
    assert main(["sessions", "tag", session.id, "handover", "slow"]) == 0
    assert main(["sessions", "tag", session.id, "slow", "--off"]) == 0
    assert main(["sessions", "note", session.id, "the quota came at noon"]) == 0
    capsys.readouterr()
    assert main(["sessions", "list", "--tag", "handover", "--text", "noon", "--since", "1d"]) == 0
    out = capsys.readouterr().out
    assert session.id in out
    assert "#handover" in out
    assert "two" not in out
    assert main(["sessions", "tag", session.id, "two words"]) == 1
    assert main(["sessions", "list", "--since", "yesterday"]) == 2
    assert session.verify().is_intact
