"""Two operators on one project: who watches asks, who writes answers, and nobody is left without a writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from support import ROOT
from support.reports import blocked_reports
from support.tui import Bench

from ecotui.project import OpenProject
from ecotui.session import SessionError, events, lock
from ecotui.session.lock import LockHolder
from ecotui.team import file_lock
from screens.dialogs import ConfirmDialog
from screens.main.locks import HandoffDialog
from screens.main.screen import MainScreen

HOLD = """
import sys, time
from config.load import load_settings
from ecotui.project import OpenProject, process_environment
from pathlib import Path
project = OpenProject.open(load_settings(Path(sys.argv[1]), None, env=process_environment()), process_environment())
print("holds" if project.lock.is_held else "watches", flush=True)
while True:
    if (request := project.lock.incoming_request()) and sys.argv[2] != "silent":
        project.answer_handoff(project.lock, request, granted=sys.argv[2] == "grant")
        print("answered", project.is_read_only, flush=True)
    time.sleep(0.02)
"""


@pytest.fixture
def other(bench: Bench) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Another ecotui, a process of its own, that holds the project and grants, refuses or is silent."""
    begun = []

    def begin(manner: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", HOLD, str(bench.project), manner],
            env={**os.environ, **bench.env, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.main.locks.LOCK_POLL_SECONDS", 0.05)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def told(project: OpenProject) -> list[str]:
    return [type(record.event).__name__ for record in project.session.read_records()]


def test_a_granted_request_makes_the_observer_the_writer_of_the_same_session(
    bench: Bench, other: Callable[[str], subprocess.Popen[str]]
) -> None:
    other("grant")
    project = bench.open_project()
    assert project.is_read_only
    assert not project.acquire_lock()  # not without being asked
    project.request_handoff(project.lock)
    until(project.lock.read_answer)
    until(project.acquire_lock)
    assert not project.is_read_only
    assert project.write_refusal() == ""
    assert told(project)[-2:] == ["HandoffAnswered", "SessionResumed"]
    project.override_finding(blocked_reports()["quota"].findings[0], "asked by phone")
    project.close("left")
    assert project.session.verify().is_intact


def test_a_refused_request_changes_nothing(bench: Bench, other: Callable[[str], subprocess.Popen[str]]) -> None:
    other("refuse")
    project = bench.open_project()
    project.request_handoff(project.lock)
    until(lambda: project.lock.read_answer() is False)
    assert project.lock.pending_request is None
    assert not project.acquire_lock()
    assert project.is_read_only
    project.close("left")


def test_a_holder_keeps_the_lock_without_an_answer_and_loses_it_when_it_dies(
    bench: Bench, other: Callable[[str], subprocess.Popen[str]]
) -> None:
    holder = other("silent")
    project = bench.open_project()
    project.request_handoff(project.lock)
    time.sleep(0.1)
    assert project.lock.read_answer() is None
    assert not project.lock.is_free
    assert not project.acquire_lock()
    holder.send_signal(signal.SIGSTOP)  # stuck, not dead: it may be in the middle of a write
    assert not project.acquire_lock()
    holder.kill()
    holder.wait()
    assert project.lock.is_free
    assert project.acquire_lock()
    assert file_lock.read_handoff_request(bench.state, bench.project) is None  # the request went with it
    project.close("left")


def test_a_request_of_a_process_that_ended_is_ignored(bench: Bench, someone_else: LockHolder) -> None:
    request = file_lock.request_handoff(bench.state, bench.project, "minsu@bastion")
    assert file_lock.read_handoff_request(bench.state, bench.project) == request
    path = lock.project_lock_path(bench.state, bench.project).with_suffix(".question")
    gone = subprocess.Popen(["true"])
    gone.wait()
    path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {gone.pid}'))
    assert file_lock.read_handoff_request(bench.state, bench.project) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 1}', b"\xff" * 50, b'{"id":"a","by":"b","pid":"x"}'])
def test_an_invalid_request_file_is_ignored(bench: Bench, someone_else: LockHolder, content: bytes) -> None:
    for suffix in (".question", ".answer"):
        lock.project_lock_path(bench.state, bench.project).with_suffix(suffix).write_bytes(content)
    assert file_lock.read_handoff_request(bench.state, bench.project) is None
    assert file_lock.read_handoff_answer(bench.state, bench.project) is None


def test_a_link_in_place_of_the_request_file_is_not_followed(bench: Bench, someone_else: LockHolder) -> None:
    target = bench.home / "precious"
    target.write_text("mine")
    path = lock.project_lock_path(bench.state, bench.project).with_suffix(".question")
    path.symlink_to(target)
    assert file_lock.read_handoff_request(bench.state, bench.project) is None
    file_lock.request_handoff(bench.state, bench.project, "minsu")
    assert target.read_text() == "mine"
    assert not path.is_symlink()


def test_a_file_system_without_locks_makes_the_project_read_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import fcntl

    past = bench.past_session(blocked_reports())

    def without(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    project = bench.open_project()
    assert project.is_read_only
    assert "without locks" in project.write_refusal()
    assert project.session.id == past.id
    assert project.rebuild.reports == blocked_reports()
    before = past.events_path.read_bytes()
    project.record_report(blocked_reports()["quota"])
    project.close("left")
    assert past.events_path.read_bytes() == before
    with pytest.raises(SessionError, match="has no locks"):
        past.append(events.NoteAdded(text="x"))
    assert past.events_path.read_bytes() == before


async def test_the_holder_sees_the_request_and_releases_the_lock_by_a_key(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        assert screen.project is not None
        second = bench.open_project()
        second.request_handoff(second.lock)
        await bench.until(pilot, lambda: "wants the lock" in bench.notices(pilot), "the question")
        assert "wants the lock: T to answer" in bench.text(pilot).splitlines()[0]
        await pilot.press("T")
        assert isinstance(app.screen, HandoffDialog)
        await pilot.press("enter")  # typed by habit: no answer
        assert isinstance(app.screen, HandoffDialog)
        await pilot.press("y")
        await bench.until(pilot, lambda: isinstance(app.screen, MainScreen), "the frame")
        assert screen.project.is_read_only
        assert second.lock.read_answer()
        assert second.acquire_lock()
        await pilot.press("2", "f")
        assert "You are watching" in bench.notices(pilot)
        assert bench.started == []
        # And it watches live: what the second does shows here.
        second.override_finding(blocked_reports()["quota"].findings[0], "asked by phone")
        await bench.until(pilot, lambda: screen.project and screen.project.rebuild.overrides, "the override")
        second.close("left")
        await bench.until(pilot, lambda: "Nobody works on this project" in bench.notices(pilot), "its end")
        await pilot.press("T")
        await bench.until(pilot, lambda: screen.project and not screen.project.is_read_only, "the project")
        screen.project.close("left")


async def test_the_observer_requests_the_lock_by_a_key_and_follows_running_commands(bench: Bench) -> None:
    first = bench.open_project()
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        assert screen.project is not None
        assert screen.project.is_read_only
        running = first.start_command("quota", "Wait for the approval", ("ecotui", "quota", "--wait", "X"))
        bench.write_output(running, "not granted yet")
        from ecotui.session.events import CommandStarted

        first.session.append(
            CommandStarted(command=running.id, step="quota", title=running.title, argv=("x",), cwd="/")
        )
        await bench.until(pilot, lambda: "quota" in screen.step_commands, "the command")
        await pilot.press("T")
        assert isinstance(app.screen, ConfirmDialog)
        await pilot.press("enter")
        await bench.until(pilot, lambda: first.lock.incoming_request(), "the question")
        request = first.lock.incoming_request()
        assert request is not None
        first.answer_handoff(first.lock, request, granted=True)
        await bench.until(pilot, lambda: not screen.project.is_read_only, "the project")  # type: ignore[union-attr]
        assert "You have the lock now" in bench.notices(pilot)
        assert "watching" not in bench.text(pilot).splitlines()[0]
        bench.end_command(running)
        await bench.until(pilot, lambda: "Wait for the approval: " in bench.notices(pilot), "its end")
        screen.project.close("left")
    first.close("left")


def test_the_lease_client_of_the_old_writer_stays_until_the_new_writer_has_one(bench: Bench) -> None:
    (bench.project / "ecotui.yaml").write_text("project: eco2\nsessions: {team: 's3://eco2-team/x'}\n")
    first, second = bench.open_project(), bench.open_project()
    assert first.lease is not None and second.lease is None
    seats = first.lease.folder / "seats"
    second.request_handoff(second.lock)
    request = first.lock.incoming_request()
    assert request is not None
    first.answer_handoff(first.lock, request, granted=True)
    assert len(list(seats.iterdir())) == 1  # the team's lock must not be free for a moment
    assert second.acquire_lock()
    assert len(list(seats.iterdir())) == 2
    first.read_new_events()
    assert first.lease is None
    assert len(list(seats.iterdir())) == 1
    first.close("left")
    second.close("left")
    assert list(seats.iterdir()) == []
