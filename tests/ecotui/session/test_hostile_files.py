"""A state folder as the world leaves it: halves, strangers, other users, newer versions, and a clock that was set back."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from checks.finding import CheckState, Finding, Report
from ecotui.cli import main
from ecotui.session import SessionError, events
from ecotui.session.index import SessionIndex
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor import read_command_status, start_command


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    return SessionStore(tmp_path / "state")


def a_session(shelf: SessionStore, folder: Path = Path("/p"), end: str = "") -> Session:
    session = shelf.create(project="eco2", folder=folder, env={})
    finding = Finding(id="quota.a", step="quota", state=CheckState.OK, title="A", summary="Fine.")
    session.append(events.CheckReported(report=Report(step="quota", findings=(finding,), started=1.0, seconds=0.1)))
    if end:
        session.end(end)
    session.close()
    return session


def ran(session: Session, *argv: str) -> None:
    command = start_command(session, argv, step="apply", title="Test", cwd=Path("/"), env={"PATH": os.environ["PATH"]})
    deadline = time.monotonic() + 15
    while read_command_status(command.folder).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """A command never fails with a traceback, whatever lies in the folder."""
    capsys.readouterr()
    code = main(["sessions", *words])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert code in (0, 1, 3), err
    return code, out + err


GONE: dict[str, Callable[[Session], object]] = {
    "its log": lambda one: one.events_path.unlink(),
    "its log, to nothing": lambda one: one.events_path.write_bytes(b""),
    "its log, to zeros": lambda one: one.events_path.write_bytes(b"\0" * 4096),
    "its log, to other bytes": lambda one: one.events_path.write_bytes(os.urandom(4096)),
    "its log and summary": lambda one: (one.events_path.unlink(), (one.folder / "summary.json").unlink()),
    "its summary, to other bytes": lambda one: (one.folder / "summary.json").write_bytes(os.urandom(99)),
    "its commands": lambda one: shutil.rmtree(one.commands_folder),
    "a command's description": lambda one: next(one.commands_folder.iterdir()).joinpath("command.json").unlink(),
    "a command's output": lambda one: next(one.commands_folder.iterdir()).joinpath("output.log").unlink(),
    "a command's end": lambda one: next(one.commands_folder.iterdir()).joinpath("exit.json").write_text("{"),
    "its salt": lambda one: (one.folder / "salt").unlink(),
    "everything": lambda one: [
        path.unlink() if path.is_file() else shutil.rmtree(path) for path in one.folder.iterdir()
    ],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with a command, to be copied: starting one takes longer than what is looked at here."""
    shelf = SessionStore(tmp_path_factory.mktemp("whole") / "state")
    session = a_session(shelf)
    ran(session, sys.executable, "-c", "print('made 84')")
    session.end("rebuilt")
    session.close()
    return session.folder


@pytest.mark.parametrize("part", GONE)
def test_a_session_that_lost_a_file_is_listed_and_blocks_nothing(
    part: str, shelf: SessionStore, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = a_session(shelf, end="rebuilt")
    shutil.copytree(whole, shelf.folder / whole.name, symlinks=True)
    session = Session(shelf.folder / whole.name)
    GONE[part](session)
    code, listed = told(capsys, "list")
    assert code == 0
    assert session.id in listed
    assert other.id in listed
    for words in (("show", session.id), ("verify", session.id), ("verify", "--all"), ("prune", "--days", "0")):
        told(capsys, *words)
    told(capsys, "export", session.id, "--format", "json")
    told(capsys, "search", "made", session.id)
    assert shelf.find_resumable(Path("/p")) is None
    assert told(capsys, "show", other.id)[0] == 0


def test_strangers_in_the_folder_are_left_alone(
    shelf: SessionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = a_session(shelf, end="rebuilt")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "events.jsonl").write_text("theirs")
    strangers = ["lost+found", ".DS_Store", "20261301-999999-zzzzzz", "..x", "backup 2026", "한글", "-rf", "a" * 200]
    for name in strangers:
        (shelf.folder / name).mkdir()
    (shelf.folder / "20260101-000000-aaaaaa").write_text("a file with the name of a session")
    (shelf.folder / "20260102-000000-aaaaaa").symlink_to(tmp_path / "elsewhere")
    assert shelf.session_ids() == [ours.id]
    assert [one.id for one in SessionIndex(shelf).find_summaries()] == [ours.id]
    assert told(capsys, "prune", "--days", "0", "--keep", "0", "--yes")[0] == 0
    assert shelf.session_ids() == []
    assert all((shelf.folder / name).is_dir() for name in strangers)
    assert (tmp_path / "elsewhere" / "events.jsonl").read_text() == "theirs"
    with pytest.raises(SessionError, match="there is no session"):
        shelf.open("20260102-000000-aaaaaa")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("whose", ["one session", "the shelf", "the state folder"])
def test_what_belongs_to_another_user_is_neither_read_on_nor_written_to(
    whose: str, shelf: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = a_session(shelf)
    folder = {"one session": session.folder, "the shelf": shelf.folder, "the state folder": shelf.root}[whose]
    os.chown(folder, 12345, 12345)
    before = session.events_path.read_bytes()
    if whose == "one session":
        assert shelf.find_resumable(Path("/p")) is None
        with pytest.raises(SessionError, match="belongs to another user"):
            shelf.open(session.id)
        assert a_session(shelf).id != session.id  # and the rest goes on
    elif whose == "the shelf":
        with pytest.raises(SessionError, match="belongs to another user"):
            a_session(shelf)
    told(capsys, "list")
    assert session.events_path.read_bytes() == before


def test_a_session_of_a_newer_version_is_read_as_far_as_it_is_known(
    shelf: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = a_session(shelf)
    from ecotui.session.hash_chain import HashChain

    chain = HashChain(session.events_path)
    chain.append(b'{"type":"teleported","to":{"region":"moon-1"}}', sync=False)
    chain.append(b'{"type":"noted","text":"plain","colour":"green"}', sync=False)
    chain.append(b'{"type":"command-ended","command":7}', sync=False)
    chain.close()
    summary = session.folder / "summary.json"
    plain = msgspec.json.decode(summary.read_bytes())
    summary.write_text(json.dumps({**plain, "mood": "good", "size": session.events_path.stat().st_size}))
    code, said = told(capsys, "show", session.id)
    assert code == 0
    assert "does not know (teleported)" in said
    assert "plain" in said
    assert session.verify().is_intact
    resumed = shelf.find_resumable(Path("/p"))
    assert resumed is not None
    resumed.append(events.NoteAdded(text="went on"))  # an older one goes on in it without harm
    assert resumed.verify().is_intact


def test_a_clock_that_was_set_back_hides_no_session_and_tells_no_negative_time(
    shelf: SessionStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = a_session(shelf, end="rebuilt")
    real, gmtime = time.time, time.gmtime
    monkeypatch.setattr(time, "time", lambda: real() - 7_200)
    monkeypatch.setattr(time, "gmtime", lambda at=None: gmtime(real() - 7_200 if at is None else at))
    after = a_session(shelf)
    # The newest is the one that began last, whatever the clock said.
    assert shelf.session_ids() == [after.id, before.id]
    resumed = shelf.find_resumable(Path("/p"))
    assert resumed is not None
    assert resumed.id == after.id
    # A session in whose middle it was set back.
    Session(before.folder).append(events.NoteAdded(text="two hours earlier"))
    Session(before.folder).end("rebuilt")
    assert Session(before.folder).verify().is_intact
    for words in (("list",), ("show", before.id), ("export", before.id), ("prune",)):
        code, said = told(capsys, *words)
        assert code == 0
        assert "-7" not in said.replace(before.id, "").replace(after.id, "")
    texts = [record.event.text for record in Session(before.folder).read_records() if hasattr(record.event, "text")]
    assert texts == ["two hours earlier"]  # in the order in which it happened


def test_how_long_a_command_took_does_not_depend_on_the_clock(
    shelf: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = a_session(shelf)
    real = time.time
    monkeypatch.setattr("ecotui.supervisor.launch.time.time", lambda: real() + 3_600)  # set back by an hour since
    ran(session, sys.executable, "-c", "pass")
    (end,) = [one.event for one in session.read_records() if isinstance(one.event, events.CommandEnded)]
    assert 0 < end.seconds < 60
