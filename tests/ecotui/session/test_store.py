"""The shelf of sessions, and the lock on a project."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from checks.finding import CheckState, Finding, Report
from config.model import Settings
from ecotui.session import SessionError, events, lock
from ecotui.session.store import RESUME_WINDOW_SECONDS, SessionStore, open_or_create_session


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "state")


def _looked(step: str, state: CheckState) -> events.CheckReported:
    finding = Finding(id=f"{step}.x", step=step, state=state, title="t", summary="s")
    return events.CheckReported(report=Report(step=step, findings=(finding,), started=1.0, seconds=0.1))


def test_sessions_are_listed_newest_first_with_what_came_out(store: SessionStore, tmp_path: Path) -> None:
    ids = []
    for number in range(3):
        session = store.create(project=f"p{number}", folder=tmp_path, env={})
        # Ids are made by the second; these are made in one.
        moved = session.folder.with_name(f"20260101-00000{number}-{session.id[-6:]}")
        session.folder.rename(moved)
        ids.append(moved.name)
    newest = store.open(ids[2])
    newest.append(_looked("quota", CheckState.BLOCKED))
    newest.append(_looked("quota", CheckState.OK))
    newest.append(_looked("github", CheckState.WARN))
    newest.end("done")
    listed = store.list_summaries()
    assert [summary.project for summary in listed] == ["p2", "p1", "p0"]
    assert listed[0].steps == {"quota": "ok", "github": "warn"}
    assert listed[0].outcome == "done"
    assert listed[0].ended is not None
    assert listed[1].ended is None
    assert [summary.id for summary in store.list_summaries(limit=1)] == [ids[2]]
    assert store.open_latest().id == ids[2]


def test_a_damaged_summary_is_made_again_from_the_events(store: SessionStore, tmp_path: Path) -> None:
    session = store.create(project="p", folder=tmp_path, env={})
    session.append(_looked("quota", CheckState.OK))
    for damage in (b"", b"{", b"\xff", b'{"id": "another"}', b'{"id": 7}'):
        (session.folder / "summary.json").write_bytes(damage)
        summary = store.list_summaries()[0]
        assert (summary.id, summary.project, summary.steps) == (session.id, "p", {"quota": "ok"})


def test_what_another_process_logged_is_in_the_summary(store: SessionStore, tmp_path: Path) -> None:
    from ecotui.session.hash_chain import HashChain

    session = store.create(project="p", folder=tmp_path, env={})
    HashChain(session.events_path).append(b'{"type":"session-ended","outcome":"done"}', sync=False)
    assert store.list_summaries()[0].outcome == "done"


def test_a_session_opens_by_the_beginning_of_its_id(store: SessionStore, tmp_path: Path) -> None:
    one = store.create(project="p", folder=tmp_path, env={})
    assert store.open(one.id).id == one.id
    assert store.open(one.id[:-3]).id == one.id
    store.create(project="p", folder=tmp_path, env={})
    with pytest.raises(SessionError, match="could be any of"):
        store.open("20")
    for wrong in ("2099", "../..", "/etc", "", "a/b", "."):
        with pytest.raises(SessionError):
            store.open(wrong)


def test_only_an_open_recent_session_of_the_same_folder_is_resumed(store: SessionStore, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    assert store.find_resumable(mine) is None
    session = store.create(project="p", folder=mine, env={})
    resumed = store.find_resumable(mine)
    assert resumed is not None
    assert resumed.id == session.id
    assert store.find_resumable(other) is None
    old = time.time() - RESUME_WINDOW_SECONDS - 60
    os.utime(session.events_path, (old, old))
    assert store.find_resumable(mine) is None
    session.append(events.NoteAdded(text="still here"))
    assert store.find_resumable(mine) is not None
    session.end("done")
    assert store.find_resumable(mine) is None


def test_a_child_joins_the_session_of_its_parent(store: SessionStore, tmp_path: Path) -> None:
    parent = store.create(project="p", folder=tmp_path, env={})
    env = {"ECOTUI_STATE_DIR": str(store.root), "ECOTUI_SESSION": parent.id}
    assert open_or_create_session(Settings(), env, tmp_path).id == parent.id
    del env["ECOTUI_SESSION"]
    alone = open_or_create_session(Settings(project="named"), env, tmp_path)
    assert alone.id != parent.id
    assert alone.read_summary().project == "named"


def test_a_removed_session_is_gone_and_nothing_behind_a_link_with_it(store: SessionStore, tmp_path: Path) -> None:
    session = store.create(project="p", folder=tmp_path, env={})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (session.folder / "commands").symlink_to(outside)
    store.remove(session.id)
    assert store.list_summaries() == []
    assert (outside / "kept").exists()
    assert list(store.folder.iterdir()) == []


def _hold(root: Path, project: Path) -> subprocess.Popen[str]:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from ecotui.session import lock
        taken = lock.acquire_project_lock(Path(sys.argv[1]), Path(sys.argv[2]))
        print(type(taken).__name__, flush=True)
        sys.stdin.read()
        """
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(root), str(project)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ProjectLock\n"
    return holder


def test_a_project_has_one_writer_who_is_named_and_whose_death_frees_it(tmp_path: Path) -> None:
    holder = _hold(tmp_path, Path("/project"))
    try:
        seen = lock.acquire_project_lock(tmp_path, Path("/project"))
        assert isinstance(seen, lock.LockHolder)
        assert seen.pid == holder.pid
        assert seen.user
        assert seen.host
        assert seen.since
        another = lock.acquire_project_lock(tmp_path, Path("/another"))
        assert isinstance(another, lock.ProjectLock)
        another.release()
    finally:
        holder.kill()
        holder.communicate()
    mine = lock.acquire_project_lock(tmp_path, Path("/project"))
    assert isinstance(mine, lock.ProjectLock)
    assert isinstance(lock.acquire_project_lock(tmp_path, Path("/project")), lock.LockHolder)
    mine.release()
    mine.release()
    again = lock.acquire_project_lock(tmp_path, Path("/project"))
    assert isinstance(again, lock.ProjectLock)
    again.release()


def test_a_lock_file_without_a_name_in_it_still_holds(tmp_path: Path) -> None:
    mine = lock.acquire_project_lock(tmp_path, Path("/project"))
    assert isinstance(mine, lock.ProjectLock)
    (path,) = (tmp_path / "locks").iterdir()
    path.write_bytes(b"\xff{")
    seen = lock.acquire_project_lock(tmp_path, Path("/project"))
    assert isinstance(seen, lock.LockHolder)
    assert seen.user == "somebody"
    mine.release()


def test_a_writer_is_named_with_terminal_and_address() -> None:
    assert lock.describe_operator({"SSH_CONNECTION": "203.0.113.7 50000 10.0.0.1 22"}).endswith("from 203.0.113.7")
