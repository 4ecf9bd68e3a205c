"""A session played again: what stood where at any moment, outputs at the times at which they were written, a fake clock."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import msgspec
import pytest

from checks.finding import Finding, Report, State
from ecotui.cli import main
from ecotui.history import event_pages
from ecotui.history.asciicast import cast, lines
from ecotui.history.replay import SHORTENED, Playhead, Tape
from ecotui.session import SessionError, events, hash_chain
from ecotui.session.log import Session
from ecotui.session.store import Store
from ecotui.supervisor import start, status
from ecotui.supervisor.output_file import Output
from ecotui.supervisor.output_times import Written, record

BEGIN = 1_764_000_000.0
"""2025-11-24 16:00:00 UTC."""


def look(step: str, state: State) -> events.Looked:
    found = Finding(id=f"{step}.x", step=step, state=state, title="t", summary="s")
    return events.Looked(report=Report(step=step, findings=(found,), started=1.0, seconds=0.1))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Looks, then nothing for ten minutes, then a command of twenty seconds that another one runs within."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    session = Store(tmp_path / "state").create(project="eco2", folder=Path("/p"), env={"USER": "kim"})
    session.close()
    session.events_file.unlink()
    said = [
        (0, events.SessionStarted(project="eco2", folder="/p", by="kim@host")),
        (1, look("quota", State.BLOCKED)),
        (601, events.Overridden(finding="quota.x", reason="asked")),
        (602, events.CommandStarted(command="outer", step="apply", title="Apply", argv=("x",), cwd="/")),
        (603, events.CommandStarted(command="inner", step="apply", title="inner", argv=("y",), cwd="/")),
        (620, events.CommandEnded(command="inner", step="apply", seconds=17.0, outcome="succeeded")),
        (622, events.CommandEnded(command="outer", step="apply", seconds=20.0, outcome="succeeded")),
        (623, look("quota", State.OK)),
        (624, events.SessionEnded(outcome="done")),
    ]
    log = hash_chain.Chain(session.events_file)
    for at, event in said:
        log.append(msgspec.json.encode(event), sync=False, at=BEGIN + at)
    log.close()
    for command, text, times in (
        ("outer", "first\nsecond\n", record(0, BEGIN + 602.5) + record(6, BEGIN + 621)),
        ("inner", "a\nb\nc\nd\n", b""),
    ):
        folder = session.commands / command
        folder.mkdir(parents=True, mode=0o700)
        (folder / "output.log").write_text(text)
        (folder / "output.times").write_bytes(times)
    session.commands.chmod(0o700)
    return session


def test_long_silences_are_shortened_and_said(session: Session) -> None:
    tape = Tape(session)
    assert tape.length < 60
    assert [round(cut.seconds) for cut in tape.cuts] == [600]
    assert tape.shortened == pytest.approx(600 - SHORTENED)
    assert tape.cut(tape.cuts[0].played + 1) == tape.cuts[0]
    for at in (0.0, 1.0, 601.0, 621.0, 624.0):
        assert tape.real(tape.played(BEGIN + at)) == pytest.approx(BEGIN + at)


def test_what_stood_where_is_derived_from_the_events_up_to_then(session: Session) -> None:
    tape = Tape(session)

    def stood(at: float) -> tuple[str, dict[str, str], bool]:
        rebuild = tape.rebuild(tape.played(BEGIN + at))
        state = rebuild.state("quota")
        return (state.value if state else "", dict(rebuild.running), "quota.x" in rebuild.overrides)

    assert stood(0.5) == ("", {}, False)
    assert stood(1.0) == ("blocked", {}, False)
    assert stood(602.5) == ("blocked", {"apply": "Apply"}, True)
    assert stood(610) == ("blocked", {"apply": "inner"}, True)
    assert stood(624) == ("ok", {}, True)
    # There and back again: nothing is carried along.
    assert stood(0.5) == ("", {}, False)


def test_outputs_come_when_they_were_written_or_evenly_where_that_is_not_known(session: Session) -> None:
    tape = Tape(session)
    outer, inner = tape.spoken["outer"], tape.spoken["inner"]
    assert (outer.timed, inner.timed) == (True, False)
    assert [outer.written.until(BEGIN + at) for at in (602, 603, 620.9, 621, 700)] == [0, 6, 6, 13, 13]
    assert outer.written.at(3) == BEGIN + 602.5
    assert inner.written.until(BEGIN + 603 + 8.5) == pytest.approx(4, abs=1)
    told = [(round(at - BEGIN, 1), line) for at, line in lines(tape, str)]
    assert (602.5, "first") in told
    assert (621.0, "second") in told
    assert [line for _, line in told if len(line) == 1] == ["a", "b", "c", "d"]
    header = json.loads(cast(session, str).splitlines()[0])
    assert "spread evenly" in header["title"]


def test_the_playhead_follows_the_clock_it_is_given() -> None:
    now = [100.0]
    head = Playhead(60.0, lambda: now[0])
    now[0] += 5
    assert head.place == 0
    head.play()
    now[0] += 2
    assert head.place == 2
    for _ in range(9):
        head.faster(1)
    assert head.speed == 64
    head.faster(-1)
    now[0] += 0.5
    assert head.place == 18
    head.pause()
    now[0] += 100
    assert head.place == 18
    head.seek(1_000)
    assert head.place == 60
    head.play()
    assert head.place == 0
    now[0] += 1_000
    assert (head.place, head.playing) == (60, False)


def test_moments_are_named_as_people_name_them(session: Session) -> None:
    tape = Tape(session)
    assert tape.find("0%") == 0
    assert tape.find("100%") == tape.length
    assert tape.real(tape.find("16:10:20")) == pytest.approx(BEGIN + 620)
    assert tape.real(tape.find("+610")) == pytest.approx(BEGIN + 610)
    assert tape.real(tape.find("10m")) == pytest.approx(BEGIN + 600, abs=1.1)
    assert tape.real(tape.find("apply")) == pytest.approx(BEGIN + 602)
    for wrong in ("", "nodes", "tomorrow", "25:99:1x"):
        with pytest.raises(ValueError):
            tape.find(wrong)


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
    length = Tape(session).length
    assert slept[0] == pytest.approx(length)
    order = [
        "session of eco2",
        "… 10 min of silence …",
        "let quota.x pass",
        "│ first",
        "│ second",
        "ended: done",
    ]
    places = [out.index(one) for one in order]
    assert places == sorted(places)
    slept[0] = 0.0
    assert main(["sessions", "replay", session.id, "--speed", "8", "--at", "apply"]) == 0
    out = capsys.readouterr().out
    assert "let quota.x pass" not in out
    assert slept[0] == pytest.approx((length - Tape(session).find("apply")) / 8, rel=0.01)
    assert main(["sessions", "replay", session.id, "--json", "--at", "100%"]) == 0
    assert json.loads(capsys.readouterr().out)["moments"][-1]["text"] == "session ended: done"
    assert main(["sessions", "replay", session.id, "--at", "tomorrow"]) == 1
    assert "is no moment" in capsys.readouterr().err
    assert main(["sessions", "replay", session.id, "--speed", "65"]) == 2


def test_a_clock_that_was_set_back_makes_time_stand_still(session: Session) -> None:
    log = hash_chain.Chain(session.events_file)
    log.append(msgspec.json.encode(events.Noted(text="later")), sync=False, at=BEGIN - 5_000)
    log.close()
    tape = Tape(session)
    assert tape.length < 60
    assert tape.happened(tape.length) == len(tape.moments)


def test_a_session_of_any_length_is_played_from_its_first_event_and_few_of_them_are_kept(
    session: Session,
) -> None:
    log = hash_chain.Chain(session.events_file)
    count = 100_000
    noted = [b'{"type":"noted","text":"note %d"}' % number for number in range(count)]
    log.extend(noted, sync=False, at=[BEGIN + 700 + number / 100 for number in range(count)])
    log.extend([msgspec.json.encode(look("nodes", State.WARN))], sync=False, at=BEGIN + 1_800)
    log.close()
    tape = Tape(session)
    assert len(tape.moments) == count + 10
    assert tape.moments[0].text.startswith("session of eco2")
    assert next(tape.beats()).moment == tape.moments[0]
    for number in (0, 31_415, count - 1):  # there and back again
        moment = tape.moments[9 + number]
        assert (moment.detail, moment.n) == ((f"note {number}",), 10 + number)
        assert tape.happened(tape.place(9 + number)) == 10 + number
    beats = list(tape.beats(tape.place(count)))
    assert [beat.moment.n for beat in beats if beat.moment] == list(range(count + 1, count + 11))
    assert tape.rebuild(tape.find("nodes") - 1).state("nodes") is None
    assert tape.rebuild(tape.find("nodes")).state("nodes") is State.WARN
    assert tape.rebuild(tape.find("apply")).running
    assert len(tape.moments._read) <= event_pages.KEPT


def test_by_pages_of_any_size_the_same_is_played(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with session.events_file.open("r+b") as log:  # what a crash tore off stands between the pages
        data = log.read().splitlines(keepends=True)
        log.seek(0)
        log.write(b"".join([*data[:3], b'{"v":1,"n":4,"at":17640', b"\n", *data[3:]]))

    def played() -> tuple[list[object], ...]:
        tape = Tape(session)
        stood = [tape.moments.rebuild(count) for count in range(len(tape.moments) + 1)]
        return list(tape.beats()), list(tape.moments), list(stood)

    whole = played()
    for size in (1, 2, 3, 4):
        monkeypatch.setattr(event_pages, "PAGE", size)
        assert played() == whole


def test_a_log_that_was_cut_while_it_is_played_is_said(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_pages, "PAGE", 2)
    tape = Tape(session)
    tape.session.events_file.write_bytes(session.events_file.read_bytes()[:600])
    with pytest.raises(SessionError, match="shorter"):
        list(tape.beats())


def test_times_of_an_output_are_kept_sparsely_and_a_full_disk_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    log, times = tmp_path / "output.log", tmp_path / "output.times"
    fds = [os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND) for path in (log, times)]
    output = Output(fds[0], 1_000_000, times=fds[1], clock=lambda: now[0])
    for _ in range(1_000):  # ten seconds of writing without end
        output.write("x" * 9 + "\n")
        now[0] += 0.01
    found = Written.read(times, log)
    assert 90 <= len(found.begins) <= 101
    assert found.until(1_005.0) == pytest.approx(5_000, abs=150)
    assert found.at(5_000) == pytest.approx(1_005, abs=0.15)
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
    assert output.lost == 0
    assert len(Written.read(times, log).begins) == len(found.begins)
    for fd in fds:
        os.close(fd)


def test_times_that_do_not_fit_the_output_are_left_out(tmp_path: Path) -> None:
    log, times = tmp_path / "output.log", tmp_path / "output.times"
    log.write_bytes(b"x" * 100)
    times.write_bytes(record(0, 5) + record(50, 3) + record(40, 9) + record(60, 10))
    found = Written.read(times, log)
    assert (list(found.begins), list(found.moments)) == ([0, 50], [5.0, 5.0])
    times.unlink()
    times.symlink_to(log)
    assert not Written.read(times, log).begins


def test_a_supervised_command_leaves_its_times(session: Session) -> None:
    # The pause is what is measured: two batches, with time between them.
    command = start(
        session,
        ("sh", "-c", "echo one; sleep 0.4; echo two"),
        step="apply",
        title="Test",
        cwd=Path("/"),
        env={"PATH": os.environ["PATH"]},
    )
    deadline = time.monotonic() + 20
    while status(command.folder).state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    found = Written.read(command.folder / "output.times", command.folder / "output.log")
    assert list(found.begins) == [0, 4]
    assert found.moments[1] - found.moments[0] >= 0.35
