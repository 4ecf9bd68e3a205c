"""A session played again: what stood where at any moment, outputs at the times at which they were written, a fake clock."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import msgspec
import pytest

from checks.finding import CheckState, Finding, Report
from ecotui.cli import main
from ecotui.history import replay
from ecotui.history.asciicast import export_asciicast, timed_lines
from ecotui.history.replay import SHORTENED_PAUSE_SECONDS, Playhead, Recording
from ecotui.session import SessionError, events, hash_chain
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor import read_command_status, start_command
from ecotui.supervisor.output_file import OutputFile
from ecotui.supervisor.output_times import OutputTimes, pack_record

BEGIN = 1_764_000_000.0
"""2025-11-24 16:00:00 UTC."""


def look(step: str, state: CheckState) -> events.CheckReported:
    found = Finding(id=f"{step}.x", step=step, state=state, title="t", summary="s")
    return events.CheckReported(report=Report(step=step, findings=(found,), started=1.0, seconds=0.1))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Looks, then nothing for ten minutes, then a command of twenty seconds that another one runs within."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    session = SessionStore(tmp_path / "state").create(project="eco2", folder=Path("/p"), env={"USER": "kim"})
    session.close()
    session.events_path.unlink()
    said = [
        (0, events.SessionStarted(project="eco2", folder="/p", by="kim@host")),
        (1, look("quota", CheckState.BLOCKED)),
        (601, events.FindingOverridden(finding="quota.x", reason="asked")),
        (602, events.CommandStarted(command="outer", step="apply", title="Apply", argv=("x",), cwd="/")),
        (603, events.CommandStarted(command="inner", step="apply", title="inner", argv=("y",), cwd="/")),
        (620, events.CommandEnded(command="inner", step="apply", seconds=17.0, outcome="succeeded")),
        (622, events.CommandEnded(command="outer", step="apply", seconds=20.0, outcome="succeeded")),
        (623, look("quota", CheckState.OK)),
        (624, events.SessionEnded(outcome="done")),
    ]
    log = hash_chain.HashChain(session.events_path)
    for at, event in said:
        log.append(msgspec.json.encode(event), sync=False, timestamp=BEGIN + at)
    log.close()
    for command, text, times in (
        ("outer", "first\nsecond\n", pack_record(0, BEGIN + 602.5) + pack_record(6, BEGIN + 621)),
        ("inner", "a\nb\nc\nd\n", b""),
    ):
        folder = session.commands_folder / command
        folder.mkdir(parents=True, mode=0o700)
        (folder / "output.log").write_text(text)
        (folder / "output.times").write_bytes(times)
    session.commands_folder.chmod(0o700)
    return session


def test_long_pauses_are_shortened_and_shown(session: Session) -> None:
    tape = Recording(session)
    assert tape.duration < 60
    assert [round(cut.seconds) for cut in tape.pauses] == [600]
    assert tape.skipped_seconds == pytest.approx(600 - SHORTENED_PAUSE_SECONDS)
    assert tape.pause_at(tape.pauses[0].position + 1) == tape.pauses[0]
    for at in (0.0, 1.0, 601.0, 621.0, 624.0):
        assert tape.timestamp_at(tape.position_of(BEGIN + at)) == pytest.approx(BEGIN + at)


def test_what_stood_where_is_derived_from_the_events_up_to_then(session: Session) -> None:
    tape = Recording(session)

    def stood(at: float) -> tuple[str, dict[str, str], bool]:
        rebuild = tape.progress_at(tape.position_of(BEGIN + at))
        state = rebuild.step_state("quota")
        return (state.value if state else "", dict(rebuild.running_commands), "quota.x" in rebuild.overrides)

    assert stood(0.5) == ("", {}, False)
    assert stood(1.0) == ("blocked", {}, False)
    assert stood(602.5) == ("blocked", {"apply": "Apply"}, True)
    assert stood(610) == ("blocked", {"apply": "inner"}, True)
    assert stood(624) == ("ok", {}, True)
    # There and back again: nothing is carried along.
    assert stood(0.5) == ("", {}, False)


def test_outputs_come_when_they_were_written_or_evenly_where_that_is_not_known(session: Session) -> None:
    tape = Recording(session)
    outer, inner = tape.commands["outer"], tape.commands["inner"]
    assert (outer.has_output_times, inner.has_output_times) == (True, False)
    assert [outer.output_times.size_at(BEGIN + at) for at in (602, 603, 620.9, 621, 700)] == [0, 6, 6, 13, 13]
    assert outer.output_times.time_of_byte(3) == BEGIN + 602.5
    assert inner.output_times.size_at(BEGIN + 603 + 8.5) == pytest.approx(4, abs=1)
    told = [(round(at - BEGIN, 1), line) for at, line in timed_lines(tape, str)]
    assert (602.5, "first") in told
    assert (621.0, "second") in told
    assert [line for _, line in told if len(line) == 1] == ["a", "b", "c", "d"]
    header = json.loads(export_asciicast(session, str).splitlines()[0])
    assert "spread evenly" in header["title"]


def test_the_playhead_follows_the_clock_it_is_given() -> None:
    now = [100.0]
    head = Playhead(60.0, lambda: now[0])
    now[0] += 5
    assert head.position == 0
    head.play()
    now[0] += 2
    assert head.position == 2
    for _ in range(9):
        head.change_speed(1)
    assert head.speed == 64
    head.change_speed(-1)
    now[0] += 0.5
    assert head.position == 18
    head.pause()
    now[0] += 100
    assert head.position == 18
    head.seek(1_000)
    assert head.position == 60
    head.play()
    assert head.position == 0
    now[0] += 1_000
    assert (head.position, head.is_playing) == (60, False)


def test_positions_are_read_as_people_write_them(session: Session) -> None:
    tape = Recording(session)
    assert tape.parse_position("0%") == 0
    assert tape.parse_position("100%") == tape.duration
    assert tape.timestamp_at(tape.parse_position("16:10:20")) == pytest.approx(BEGIN + 620)
    assert tape.timestamp_at(tape.parse_position("+610")) == pytest.approx(BEGIN + 610)
    assert tape.timestamp_at(tape.parse_position("10m")) == pytest.approx(BEGIN + 600, abs=1.1)
    assert tape.timestamp_at(tape.parse_position("apply")) == pytest.approx(BEGIN + 602)
    for wrong in ("", "nodes", "tomorrow", "25:99:1x"):
        with pytest.raises(ValueError):
            tape.parse_position(wrong)


def test_the_command_line_plays_it_at_a_pace(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now, slept = [0.0], [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        slept[0] += seconds

    monkeypatch.setattr("ecotui.cli.sessions.replay.time.monotonic", lambda: now[0])
    monkeypatch.setattr("ecotui.cli.sessions.replay.time.sleep", sleep)
    assert main(["sessions", "replay", session.id]) == 0
    out = capsys.readouterr().out
    length = Recording(session).duration
    assert slept[0] == pytest.approx(length)
    order = ["session of eco2", "… 10 min pause …", "overrode quota.x", "│ first", "│ second", "ended: done"]
    places = [out.index(one) for one in order]
    assert places == sorted(places)
    slept[0] = 0.0
    assert main(["sessions", "replay", session.id, "--speed", "8", "--at", "apply"]) == 0
    out = capsys.readouterr().out
    assert "overrode quota.x" not in out
    assert slept[0] == pytest.approx((length - Recording(session).parse_position("apply")) / 8, rel=0.01)
    assert main(["sessions", "replay", session.id, "--json", "--at", "100%"]) == 0
    assert json.loads(capsys.readouterr().out)["moments"][-1]["text"] == "session ended: done"
    assert main(["sessions", "replay", session.id, "--at", "tomorrow"]) == 1
    assert "is no position" in capsys.readouterr().err
    assert main(["sessions", "replay", session.id, "--speed", "65"]) == 2


def test_a_clock_that_was_set_back_makes_time_stand_still(session: Session) -> None:
    log = hash_chain.HashChain(session.events_path)
    log.append(msgspec.json.encode(events.NoteAdded(text="later")), sync=False, timestamp=BEGIN - 5_000)
    log.close()
    tape = Recording(session)
    assert tape.duration < 60
    assert tape.count_entries_until(tape.duration) == len(tape.entries)


def test_a_session_of_any_length_is_played_from_its_first_event_and_few_of_them_are_kept(session: Session) -> None:
    log = hash_chain.HashChain(session.events_path)
    count = 100_000
    noted = [b'{"type":"noted","text":"note %d"}' % number for number in range(count)]
    log.append_all(noted, sync=False, timestamps=[BEGIN + 700 + number / 100 for number in range(count)])
    log.append_all([msgspec.json.encode(look("nodes", CheckState.WARN))], sync=False, timestamps=BEGIN + 1_800)
    log.close()
    tape = Recording(session)
    assert len(tape.entries) == count + 10
    assert tape.entries[0].text.startswith("session of eco2")
    assert next(tape.events_from()).entry == tape.entries[0]
    for number in (0, 31_415, count - 1):  # there and back again
        moment = tape.entries[9 + number]
        assert (moment.details, moment.event_number) == ((f"note {number}",), 10 + number)
        assert tape.count_entries_until(tape.entry_position(9 + number)) == 10 + number
    beats = list(tape.events_from(tape.entry_position(count)))
    assert [beat.entry.event_number for beat in beats if beat.entry] == list(range(count + 1, count + 11))
    assert tape.progress_at(tape.parse_position("nodes") - 1).step_state("nodes") is None
    assert tape.progress_at(tape.parse_position("nodes")).step_state("nodes") is CheckState.WARN
    assert tape.progress_at(tape.parse_position("apply")).running_commands
    assert len(tape.entries._page_cache) <= replay.MAX_CACHED_PAGES


def test_by_pages_of_any_size_the_same_is_played(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with session.events_path.open("r+b") as log:  # what a crash tore off stands between the pages
        data = log.read().splitlines(keepends=True)
        log.seek(0)
        log.write(b"".join([*data[:3], b'{"v":1,"n":4,"at":17640', b"\n", *data[3:]]))

    def played() -> tuple[list[object], ...]:
        tape = Recording(session)
        stood = [tape.entries.progress_after(count) for count in range(len(tape.entries) + 1)]
        return list(tape.events_from()), list(tape.entries), list(stood)

    whole = played()
    for size in (1, 2, 3, 4):
        monkeypatch.setattr(replay, "EVENTS_PER_PAGE", size)
        assert played() == whole


def test_a_log_that_was_cut_while_it_is_played_is_reported(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "EVENTS_PER_PAGE", 2)
    tape = Recording(session)
    tape.session.events_path.write_bytes(session.events_path.read_bytes()[:600])
    with pytest.raises(SessionError, match="shorter"):
        list(tape.events_from())


def test_times_of_an_output_are_kept_sparsely_and_a_full_disk_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    log, times = tmp_path / "output.log", tmp_path / "output.times"
    fds = [os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND) for path in (log, times)]
    output = OutputFile(fds[0], 1_000_000, times_fd=fds[1], clock=lambda: now[0])
    for _ in range(1_000):  # ten seconds of writing without end
        output.write("x" * 9 + "\n")
        now[0] += 0.01
    found = OutputTimes.read(times, log)
    assert 90 <= len(found.offsets) <= 101
    assert found.size_at(1_005.0) == pytest.approx(5_000, abs=150)
    assert found.time_of_byte(5_000) == pytest.approx(1_005, abs=0.15)
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if fd == fds[1]:
            real(fd, bytes(data)[:7])
            raise OSError(28, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", full)
    now[0] += 5
    output.write("kept\n")
    monkeypatch.undo()
    output.write("kept too\n")
    assert log.read_text().endswith("kept\nkept too\n")
    assert output.lost_bytes == 0
    assert len(OutputTimes.read(times, log).offsets) == len(found.offsets)
    for fd in fds:
        os.close(fd)


def test_times_that_do_not_fit_the_output_are_left_out(tmp_path: Path) -> None:
    log, times = tmp_path / "output.log", tmp_path / "output.times"
    log.write_bytes(b"x" * 100)
    times.write_bytes(pack_record(0, 5) + pack_record(50, 3) + pack_record(40, 9) + pack_record(60, 10))
    found = OutputTimes.read(times, log)
    assert (list(found.offsets), list(found.timestamps)) == ([0, 50], [5.0, 5.0])
    times.unlink()
    times.symlink_to(log)
    assert not OutputTimes.read(times, log).offsets


def test_a_supervised_command_leaves_its_times(session: Session) -> None:
    # The pause is what is measured: two batches, with time between them.
    command = start_command(
        session,
        ("sh", "-c", "echo one; sleep 0.4; echo two"),
        step="apply",
        title="Test",
        cwd=Path("/"),
        env={"PATH": os.environ["PATH"]},
    )
    deadline = time.monotonic() + 20
    while read_command_status(command.folder).state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    found = OutputTimes.read(command.folder / "output.times", command.folder / "output.log")
    assert list(found.offsets) == [0, 4]
    assert found.timestamps[1] - found.timestamps[0] >= 0.35
