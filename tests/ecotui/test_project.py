"""The desk without a screen: what is started, in which environment, and what of it reaches the disk."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest
from support.reports import REQUEST, SET_TOKEN, blocked_reports, finding, report
from support.tui import Bench

from checks.finding import CheckState
from ecotui.history.compare import read_compared_session
from ecotui.history.export.model import read_export
from ecotui.project import OpenProject
from ecotui.session import events
from ecotui.session.event_text import format_records
from ecotui.session.lock import LockHolder
from ecotui.supervisor import read_command_status, start_command

SECRET = "correct-horse-battery-staple"


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def supervised(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run for real."""
    monkeypatch.setattr("ecotui.project.start_command", start_command)


def test_an_override_needs_a_reason(bench: Bench) -> None:
    desk = bench.open_project()
    blocked = blocked_reports()["quota"].findings[0]
    with pytest.raises(ValueError, match="reason"):
        desk.override_finding(blocked, "  ")
    assert not any(isinstance(record.event, events.FindingOverridden) for record in desk.session.read_records())
    desk.close("left")


def test_a_session_taken_up_again_remembers_what_was_seen_and_overridden(bench: Bench) -> None:
    before = bench.open_project()
    for one in blocked_reports().values():
        before.record_report(one)
    before.override_finding(blocked_reports()["quota"].findings[0], " raised by phone ")
    assert before.lock.is_held
    before.lock.release()
    after = bench.open_project()
    assert after.is_resumed
    assert after.rebuild.reports == before.rebuild.reports == blocked_reports()
    assert after.rebuild.overrides == {"quota.vcpu": "raised by phone"}
    after.close("left")


def test_a_session_that_goes_on_at_another_commit_says_so_wherever_it_is_reviewed(bench: Bench) -> None:
    def checked_out(commit: str, branch: str) -> None:
        (bench.project / ".git" / "refs" / "heads").mkdir(parents=True, exist_ok=True)
        (bench.project / ".git" / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (bench.project / ".git" / "refs" / "heads" / branch).write_text(f"{commit}\n")

    first, second = "1a2b3c4d5e" * 4, "feedface00" * 4
    for commit, branch in ((first, "main"), (first, "main"), (second, "fix")):
        checked_out(commit, branch)
        desk = bench.open_project()
        assert desk.lock.is_held
        desk.lock.release()
    session = desk.session
    told = [moment for moment in format_records(session.read_records()) if moment.kind == "session"]
    assert [moment.details[-2] for moment in told] == [
        "commit 1a2b3c4d5e1a on main",
        "commit 1a2b3c4d5e1a on main",
        "commit feedface00fe on fix",
    ]
    both = "1a2b3c4d5e1a on main → feedface00fe on fix"
    assert read_compared_session(session).commit == both
    assert ("Commit", both) in read_export(session).header_rows
    checked_out(first, "main")
    desk = bench.open_project()
    assert desk.lock.is_held
    desk.lock.release()
    checked_out(second, "fix")
    assert desk.acquire_lock()
    again = session.read_last_records(1)[0].event
    assert isinstance(again, events.SessionResumed)
    assert (again.commit, again.branch, again.dirty) == (second, "fix", None)
    desk.close("left")


def test_a_variable_is_set_unset_and_set_again(bench: Bench) -> None:
    desk = bench.open_project()
    desk.set_variable("VERSION", "1.2", secret=False)
    assert desk.child_env()["VERSION"] == "1.2"
    desk.unset_variable("VERSION")
    assert "VERSION" not in desk.child_env()
    desk.set_variable("VERSION", "1.3", secret=False)
    assert desk.child_env()["VERSION"] == "1.3"
    desk.close("left")


def test_what_is_started_joins_this_session_and_writes_line_by_line(bench: Bench) -> None:
    desk = bench.open_project()
    env = desk.child_env()
    assert env["ECOTUI_SESSION"] == desk.session.id
    assert env["ECOTUI_STATE_DIR"] == str(bench.state)
    assert env["PYTHONUNBUFFERED"] == "1"
    desk.close("left")


def test_a_command_of_ours_is_told_the_project_and_others_are_not(bench: Bench) -> None:
    desk = bench.open_project()
    desk.start_command("apply", "Apply", ("ecotui", "apply", "--plan", "p"))
    desk.start_command("quota", "Request", ("ecotui", "quota", "--wait", "X"))
    desk.start_command("github", "Log in", ("gh", "auth", "status"))
    assert bench.started == [
        ("ecotui", "apply", "--plan", "p", "--progress", "--project", str(bench.project)),
        ("ecotui", "quota", "--wait", "X", "--project", str(bench.project)),
        ("gh", "auth", "status"),
    ]


def test_a_fix_that_is_carried_out_is_logged_before_its_command(bench: Bench) -> None:
    desk = bench.open_project()
    desk.run_fix_command(blocked_reports()["quota"].findings[0], REQUEST)
    assert [type(record.event).__name__ for record in desk.session.read_records()] == [
        "SessionStarted",
        "FixChosen",
    ]
    assert len(bench.started) == 1


@pytest.mark.usefixtures("supervised")
def test_a_secret_variable_reaches_the_command_and_is_masked_wherever_it_is_written(bench: Bench) -> None:
    desk = bench.open_project()
    desk.set_variable("GITHUB_TOKEN", SECRET, secret=True)
    code = "import os; token = os.environ['GITHUB_TOKEN']; print('length', len(token)); print('it is', token)"
    command = desk.start_command("github", "Tell", (sys.executable, "-c", code))
    wait_for(lambda: read_command_status(command.folder).state == "exited")
    output = (command.folder / "output.log").read_text()
    assert f"length {len(SECRET)}" in output
    assert "it is" in output
    for path in bench.state.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
    assert desk.finish_command(command).outcome == "succeeded"
    desk.close("left")


@pytest.mark.usefixtures("supervised")
def test_a_session_stays_open_while_a_command_runs_and_its_desk_is_taken_up_again(bench: Bench) -> None:
    first = bench.open_project()
    command = first.start_command("apply", "Sleep", (sys.executable, "-c", "import time; time.sleep(60)"))
    first.close("left")
    assert first.session.read_summary().ended is None
    again = bench.open_project()
    assert again.is_resumed
    assert [one.id for one in again.running_commands()] == [command.id]
    assert again.interrupt_command(command)
    wait_for(lambda: read_command_status(command.folder).state == "exited")
    assert again.running_commands() == []
    assert again.finish_command(command).outcome == "interrupted"
    again.close("left")
    assert again.session.read_summary().outcome == "left"


def test_a_second_desk_only_watches_and_does_not_end_the_session(bench: Bench, someone_else: LockHolder) -> None:
    desk = bench.open_project()
    assert desk.is_read_only
    assert desk.lock.holder == someone_else
    desk.record_report(report("quota", finding("quota.a", CheckState.OK, "Fine.")))
    assert desk.rebuild.step_state("quota") is CheckState.OK
    assert not any(isinstance(record.event, events.CheckReported) for record in desk.session.read_records())
    desk.close("left")
    assert desk.session.read_summary().ended is None


def test_names_of_secret_variables_come_from_the_settings(bench: Bench) -> None:
    desk = bench.open_project()
    assert desk.secret_names == {"GITHUB_TOKEN"}
    assert SET_TOKEN.command == "export GITHUB_TOKEN=••••"
    desk.close("left")


def test_two_projects_do_not_share_a_session(bench: Bench) -> None:
    from config.load import load_settings

    other = bench.project.parent / "other"
    other.mkdir()
    one = bench.open_project()
    two = OpenProject.open(load_settings(other, None, env=bench.env), bench.env)
    assert not two.is_read_only
    assert two.session.id != one.session.id
    one.close("left")
    two.close("left")
