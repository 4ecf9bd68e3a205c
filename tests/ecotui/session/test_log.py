"""The session log: whole whatever happens to its writers, readable whatever happened to the file."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import stat
from pathlib import Path

import msgspec
import pytest

from checks.finding import CheckState, Finding, Report
from config.folders import state_folder
from config.model import Settings
from ecotui.session import SessionError, events, hash_chain, private_files
from ecotui.session.log import Session
from ecotui.session.store import SessionStore


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "state")


@pytest.fixture
def session(store: SessionStore, tmp_path: Path) -> Session:
    return store.create(project="eco2", folder=tmp_path, env={})


def _report(step: str = "quota", state: CheckState = CheckState.BLOCKED) -> Report:
    finding = Finding(id=f"{step}.vcpu", step=step, state=state, title="vCPUs", summary="16 of 26")
    return Report(step=step, findings=(finding,), started=1.0, seconds=0.5)


EVERY_KIND = [
    events.CheckReported(report=_report()),
    events.FixChosen(step="quota", finding="quota.vcpu", fix="request", title="Request an increase"),
    events.FindingOverridden(finding="quota.eip", reason="할당량은 곧 오른다"),
    events.CommandStarted(command="c1", step="apply", title="Apply", argv=("terraform", "apply"), cwd="/p"),
    events.CommandEnded(command="c1", step="apply", exit_code=1, seconds=2.5, outcome="failed"),
    events.InterruptSent(command="c1", force=True, by="me"),
    events.VariableSet(name="GITHUB_TOKEN", secret=True),
    events.ProfilePicked(profile="prod"),
    events.NoteAdded(text="line one\nline two"),
    events.TagChanged(tag="handover", on=False),
    events.SessionResumed(by="me"),
    events.HandoffAnswered(by="minsu@bastion on pts/2", granted=True),
    events.TeamLockChanged(state="lost", account="123456789012", holder="minsu@bastion-2"),
    events.RunbookOpened(entry="3.1", error="VcpuLimitExceeded"),
    events.RunbookStepTicked(entry="3.1", step="1.2", title="Ask for more"),
    events.RunbookRated(entry="3.1", solved=True),
    events.SessionEnded(outcome="done"),
]


def test_every_kind_of_event_is_read_as_it_was_written(session: Session) -> None:
    for event in EVERY_KIND:
        session.append(event)
    assert [record.event for record in session.read_records()][1:] == EVERY_KIND
    assert session.verify().is_intact
    assert {type(event) for event in EVERY_KIND} | {events.SessionStarted} == set(events.AnyEvent.__args__)


def test_files_and_folders_are_private(session: Session, store: SessionStore) -> None:
    os.umask(0)
    session.append(events.SessionEnded(outcome="done"))
    for path in [store.root, *store.root.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def _write_many(folder: Path, name: int, count: int) -> None:
    session = Session(folder, {})
    for number in range(count):
        session.append(events.NoteAdded(text=f"{name}-{number}" + "x" * (number * 97 % 9000)))


def test_several_processes_append_at_once_and_the_chain_stays_whole(session: Session) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(session.folder, name, 60)) for name in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    verdict = session.verify()
    assert verdict.is_intact, verdict
    assert verdict.event_count == 1 + 4 * 60
    said = [r.event.text.rstrip("x") for r in session.read_records() if isinstance(r.event, events.NoteAdded)]
    for name in range(4):
        assert [text for text in said if text.startswith(f"{name}-")] == [f"{name}-{n}" for n in range(60)]


def test_a_log_that_is_cut_at_any_byte_is_read_and_continued(session: Session, tmp_path: Path) -> None:
    for event in EVERY_KIND[1:4]:
        session.append(event)
    whole = session.events_path.read_bytes()
    lines = whole.splitlines(keepends=True)
    ends = [len(b"".join(lines[:count])) for count in range(len(lines) + 1)]
    for cut in range(ends[-3], len(whole) + 1):
        session.events_path.write_bytes(whole[:cut])
        (session.folder / "summary.json").unlink(missing_ok=True)
        # The end of a line may be lost without losing the line.
        survive = sum(1 for end in ends[1:] if cut >= end - 1)
        reader = Session(session.folder, {})
        assert len(list(reader.read_records())) == survive
        reader.append(events.NoteAdded(text="after"))
        records = list(Session(session.folder, {}).read_records())
        assert [record.number for record in records] == list(range(1, survive + 2))
        assert records[-1].event == events.NoteAdded(text="after")
        verdict = reader.verify()
        assert verdict.is_intact
        assert verdict.torn_lines == (0 if cut in ends or cut + 1 in ends else 1)


def test_a_changed_line_is_named(session: Session) -> None:
    for event in EVERY_KIND:
        session.append(event)
    lines = session.events_path.read_bytes().splitlines(keepends=True)
    for number in range(len(lines) - 1):
        changed = [*lines]
        changed[number] = changed[number].replace(b'"at":1', b'"at":2')
        assert changed != lines
        session.events_path.write_bytes(b"".join(changed))
        assert session.verify().broken_line == number + 2  # the line that no longer follows


@pytest.mark.parametrize("what", ["removed", "swapped", "repeated", "cut off"])
def test_a_line_out_of_order_is_reported(session: Session, what: str) -> None:
    for event in EVERY_KIND:
        session.append(event)
    lines = session.events_path.read_bytes().splitlines(keepends=True)
    changed, broken = {
        "removed": ([*lines[:3], *lines[4:]], 4),
        "swapped": ([*lines[:3], lines[4], lines[3], *lines[5:]], 4),
        "repeated": ([*lines[:4], lines[3], *lines[4:]], 5),
        "cut off": (lines[:-2], len(lines) - 1),
    }[what]
    session.events_path.write_bytes(b"".join(changed))
    verdict = session.verify()
    assert verdict.broken_line == broken
    assert verdict.reason


def test_an_event_of_a_newer_version_is_read_as_unknown(session: Session) -> None:
    log = hash_chain.HashChain(session.events_path)
    log.append(b'{"type":"teleported","where":"moon"}', sync=False)
    log.append(b'{"type":"noted","text":7}', sync=False)
    log.append(b'["no object at all"]', sync=False)
    session.append(events.NoteAdded(text="known"))
    first, wrong, odd, known = [record.event for record in session.read_records()][1:]
    assert isinstance(first, events.UnknownEvent)
    assert first.type == "teleported"
    assert "moon" in first.raw
    assert isinstance(wrong, events.UnknownEvent)
    assert isinstance(odd, events.UnknownEvent)
    assert known == events.NoteAdded(text="known")
    assert session.verify().is_intact


def test_junk_in_the_file_is_stepped_over(session: Session) -> None:
    with session.events_path.open("ab") as stream:
        stream.write(b"\x00\xff\xfe junk\n[[[[\n" + b"[" * 100_000 + b"\n{}\n")
    session.append(events.NoteAdded(text="after"))
    assert [record.number for record in session.read_records()] == [1, 2]
    assert session.verify().torn_lines == 4


def test_secrets_never_reach_the_log(store: SessionStore, tmp_path: Path) -> None:
    env = {"GITHUB_TOKEN": "a-very-secret-value"}
    session = store.create(project="p", folder=tmp_path, env=env)
    session.append(events.NoteAdded(text="it is a-very-secret-value and ghp_" + "a1B2" * 9))
    session.append(
        events.CommandStarted(
            command="c", step="s", title="a-very-secret-value", argv=("x", "a-very-secret-value"), cwd="/"
        )
    )
    for path in store.root.rglob("*"):
        if path.is_file():
            assert b"a-very-secret-value" not in path.read_bytes(), path
            assert b"a1B2a1B2" not in path.read_bytes(), path


def test_text_that_is_no_utf8_can_be_logged(session: Session) -> None:
    session.append(events.NoteAdded(text="file \udcff name"))
    assert [record.event for record in session.read_records()][-1] == events.NoteAdded(text="file ? name")


def test_a_full_disk_is_reported_and_leaves_no_partial_line(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.append(events.NoteAdded(text="before"))
    size = session.events_path.stat().st_size
    real, calls = os.write, []

    def write(fd: int, data: bytes) -> int:
        calls.append(fd)
        if len(calls) == 1:
            return real(fd, bytes(data)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "write", write)
        with pytest.raises(SessionError, match="the disk is full"):
            session.append(events.FindingOverridden(finding="a", reason="b"))
    assert session.events_path.stat().st_size == size
    session.append(events.NoteAdded(text="after"))
    assert [r.event.text for r in session.read_records() if isinstance(r.event, events.NoteAdded)] == [
        "before",
        "after",
    ]
    assert session.verify().is_intact


def test_an_event_that_was_acknowledged_is_in_the_file_though_the_summary_cannot_be_written(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("ecotui.session.log.replace_atomically", full)
    session.end("done")
    assert Session(session.folder, {}).read_summary().outcome == "done"


def test_decisions_are_on_the_disk_before_anything_follows(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    session.append(events.CheckReported(report=_report()))
    assert not synced
    session.append(events.FindingOverridden(finding="a", reason="b"))
    session.append(events.CommandStarted(command="c", step="s", title="t", argv=(), cwd="/"))
    assert len(synced) == 2


def test_planted_links_are_not_followed(store: SessionStore, session: Session, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    session.close()
    session.events_path.unlink()
    session.events_path.symlink_to(victim)
    with pytest.raises(SessionError, match="symbolic link"):
        Session(session.folder, {}).append(events.NoteAdded(text="x"))
    (session.folder / "salt").unlink()
    (session.folder / "salt").symlink_to(victim)
    with pytest.raises(SessionError, match="symbolic link"):
        store.open(session.id)
    assert victim.read_text() == "precious"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (store.folder / "20260101-000000-abcdef").symlink_to(elsewhere)
    assert [summary.id for summary in store.list_summaries()] == [session.id]
    with pytest.raises(SessionError):
        store.open("20260101-000000-abcdef")


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions").chmod(0o777)
    with pytest.raises(SessionError, match="others may write"):
        SessionStore(tmp_path).create(project="p", folder=tmp_path, env={})


def test_a_state_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(SessionError, match="cannot make the state folder"):
        SessionStore(tmp_path / "state").create(project="p", folder=tmp_path, env={})
    with pytest.raises(SessionError, match="cannot read"):
        SessionStore(tmp_path / "state").list_summaries()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_state_folder_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SessionError, match="permission denied"):
        SessionStore(tmp_path / "state").create(project="p", folder=tmp_path, env={})


def test_errors_name_what_and_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def read_only(*args: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with (
        pytest.raises(SessionError, match=r"cannot write to .*/x: the file system is read-only"),
        private_files.raise_session_error("cannot write to", tmp_path / "x"),
    ):
        private_files.open_private_file(tmp_path / "x", os.O_WRONLY)


@pytest.mark.parametrize(
    ("env", "directory", "expected"),
    [
        ({"HOME": "/h"}, "", "/h/.local/state/ecotui"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/x"}, "", "/x/ecotui"),
        ({"HOME": "/h", "XDG_STATE_HOME": "relative"}, "", "/h/.local/state/ecotui"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/x"}, "/set", "/set"),
        ({"HOME": "/h", "ECOTUI_STATE_DIR": "/over"}, "/set", "/over"),
    ],
)
def test_where_the_state_is_kept(env: dict[str, str], directory: str, expected: str) -> None:
    settings = msgspec.convert({"sessions": {"directory": directory}}, Settings)
    assert state_folder(settings, env) == Path(expected)


def test_the_events_file_is_plain_json_with_the_promised_keys(session: Session) -> None:
    session.append(events.NoteAdded(text="x"))
    first, second = map(json.loads, session.events_path.read_text().splitlines())
    assert list(first) == ["v", "n", "at", "prev", "event"]
    assert (first["v"], first["n"], second["n"]) == (1, 1, 2)
    assert first["event"]["type"] == "session-started"
    assert second["event"] == {"type": "noted", "text": "x"}
