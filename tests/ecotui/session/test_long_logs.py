"""Long logs and big outputs: read from the end, searched in blocks, added to in batches."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest

from ecotui.history import text_search
from ecotui.session import SessionError, events, hash_chain
from ecotui.session.store import SessionStore


def test_a_batch_is_in_the_chain_and_others_follow_it(tmp_path: Path) -> None:
    session = SessionStore(tmp_path).create(project="p", folder=Path("/p"), env={})
    log = hash_chain.HashChain(session.events_path)
    assert log.append_all([b'{"type":"noted","text":"a"}'] * 500, sync=False) == 501
    session.append(events.NoteAdded(text="after"))
    verdict = session.verify()
    assert verdict.is_intact
    assert verdict.event_count == 502
    log.close()


def test_the_end_of_a_log_is_the_same_as_the_end_of_the_whole(tmp_path: Path) -> None:
    session = SessionStore(tmp_path).create(project="p", folder=Path("/p"), env={})
    log = hash_chain.HashChain(session.events_path)
    log.append_all([b'{"type":"noted","text":"%d"}' % number for number in range(6_000)], sync=False)
    log.close()
    with session.events_path.open("ab") as stream:
        stream.write(b'{"v":1,"n":60')  # torn
    every = list(session.read_records())
    for count in (0, 1, 2_500, 6_001, 9_999):
        assert session.read_last_records(count) == (every[-count:] if count else [])


def test_words_are_found_across_the_blocks_and_once_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "output.log"
    path.write_bytes(b"first error line\n" + b"x" * 90 + b"\nERROR and error\nlast Error")
    for size in (1, 7, 16, 64, 4096):
        monkeypatch.setattr(text_search, "BLOCK_BYTES", size)
        found = [hit.text for hit in text_search.search_forward(path, "error")]
        assert found == ["first error line", "ERROR and error", "last Error"]
    assert list(text_search.search_forward(path, "")) == []


def test_a_link_instead_of_an_output_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "aim").write_text("error")
    (tmp_path / "output.log").symlink_to(tmp_path / "aim")
    with pytest.raises(SessionError, match="links are not followed"):
        list(text_search.search_forward(tmp_path / "output.log", "error"))


def test_what_is_put_keeps_its_order_and_is_there_for_whoever_reads(tmp_path: Path) -> None:
    session = SessionStore(tmp_path).create(project="p", folder=Path("/p"), env={})
    for number in range(3_000):
        session.append_later(events.RunbookStepTicked(entry="3.1", step=str(number)))
    session.append(events.FindingOverridden(finding="quota.a", reason="because"))
    for number in range(3_000, 3_010):
        session.append_later(events.RunbookStepTicked(entry="3.1", step=str(number)))
    told = [record.event for record in session.read_records()]
    ticks = [event.step for event in told if isinstance(event, events.RunbookStepTicked)]
    assert ticks == [str(number) for number in range(3_010)]
    assert isinstance(told[3_001], events.FindingOverridden)  # a decision stands behind all that came before it
    verdict = session.verify()
    assert (verdict.is_intact, verdict.event_count) == (True, 3_012)
    session.close()
    session.close()


def test_what_is_put_is_written_by_itself_and_masked(tmp_path: Path) -> None:
    session = SessionStore(tmp_path).create(project="p", folder=Path("/p"), env={"MY_TOKEN": "correct-horse-1"})
    secret = "ghp_" + "a1B2" * 9
    session.append_later(events.NoteAdded(text="plain"))
    session.append_later(events.NoteAdded(text=f"it is {secret}"))
    session.append_later(events.NoteAdded(text='with "quotes" correct-horse-1'))
    session.append_later(events.NoteAdded(text="_auth=ZWNvOmVjbzplY28x"))  # at the end of its string, not of its line
    session.append_later(events.NoteAdded(text="no \udcff UTF-8"))
    deadline = time.monotonic() + 10
    while session._pending or session._writer_active.is_set():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    raw = session.events_path.read_text()
    assert raw.count('"noted"') == 5
    assert secret not in raw
    assert "correct-horse" not in raw
    assert "ZWNvOmVjbzplY28x" not in raw
    assert secret not in (session.folder / "summary.json").read_text()
    assert session.verify().is_intact


def test_a_full_disk_is_reported_at_the_next_event_and_the_queue_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = SessionStore(tmp_path).create(project="p", folder=Path("/p"), env={})
    write_all = hash_chain.write_fully

    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hash_chain, "write_fully", full)
    session.append_later(events.RunbookStepTicked(entry="3.1", step="1"))
    deadline = time.monotonic() + 10
    while session._write_error is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(SessionError, match="the disk is full"):
        session.append_later(events.RunbookStepTicked(entry="3.1", step="2"))
    with pytest.raises(SessionError, match="the disk is full"):
        session.append(events.FindingOverridden(finding="a", reason="b"))
    monkeypatch.setattr(hash_chain, "write_fully", write_all)
    session.append_later(events.RunbookStepTicked(entry="3.1", step="3"))
    steps = [one.event.step for one in session.read_records() if isinstance(one.event, events.RunbookStepTicked)]
    assert steps == ["1", "2", "3"]
    assert session.verify().is_intact


def test_two_processes_that_put_and_append_share_one_chain(tmp_path: Path) -> None:
    session = SessionStore(tmp_path).create(project="p", folder=Path("/p"), env={})
    other = SessionStore(tmp_path).open(session.id)
    for number in range(500):
        session.append_later(events.RunbookStepTicked(entry="3.1", step=str(number)))
        if number % 50 == 0:
            other.append(events.TagChanged(tag=f"t{number}"))
    assert session.verify().event_count == 511
    assert session.verify().is_intact
    assert len(session.read_summary().tags) == 10
