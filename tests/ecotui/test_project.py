"""The project without a screen: what is started, in which environment, and what of it reaches the disk."""

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
    project = bench.open_project()
    blocked = blocked_reports()["quota"].findings[0]
    with pytest.raises(ValueError, match="reason"):
        project.override_finding(blocked, "  ")
    assert not any(isinstance(record.event, events.FindingOverridden) for record in project.session.read_records())
    project.close("left")


def test_a_resumed_session_has_its_reports_and_overrides(bench: Bench) -> None:
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


def test_a_session_resumed_at_another_commit_shows_both_commits_in_every_review(bench: Bench) -> None:
    def checked_out(commit: str, branch: str) -> None:
        (bench.project / ".git" / "refs" / "heads").mkdir(parents=True, exist_ok=True)
        (bench.project / ".git" / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (bench.project / ".git" / "refs" / "heads" / branch).write_text(f"{commit}\n")

    first, second = "1a2b3c4d5e" * 4, "feedface00" * 4
    for commit, branch in ((first, "main"), (first, "main"), (second, "fix")):
        checked_out(commit, branch)
        project = bench.open_project()
        assert project.lock.is_held
        project.lock.release()
    session = project.session
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
    project = bench.open_project()
    assert project.lock.is_held
    project.lock.release()
    checked_out(second, "fix")
    assert project.acquire_lock()
    again = session.read_last_records(1)[0].event
    assert isinstance(again, events.SessionResumed)
    assert (again.commit, again.branch, again.dirty) == (second, "fix", None)
    project.close("left")


def test_a_variable_is_set_unset_and_set_again(bench: Bench) -> None:
    project = bench.open_project()
    project.set_variable("VERSION", "1.2", secret=False)
    assert project.child_env()["VERSION"] == "1.2"
    project.unset_variable("VERSION")
    assert "VERSION" not in project.child_env()
    project.set_variable("VERSION", "1.3", secret=False)
    assert project.child_env()["VERSION"] == "1.3"
    project.close("left")


def test_a_started_command_joins_this_session_and_writes_line_by_line(bench: Bench) -> None:
    project = bench.open_project()
    env = project.child_env()
    assert env["ECOTUI_SESSION"] == project.session.id
    assert env["ECOTUI_STATE_DIR"] == str(bench.state)
    assert env["PYTHONUNBUFFERED"] == "1"
    project.close("left")


def test_a_command_of_ours_gets_the_project_option_and_others_do_not(bench: Bench) -> None:
    project = bench.open_project()
    project.start_command("apply", "Apply", ("ecotui", "apply", "--plan", "p"))
    project.start_command("quota", "Request", ("ecotui", "quota", "--wait", "X"))
    project.start_command("github", "Log in", ("gh", "auth", "status"))
    assert bench.started == [
        ("ecotui", "apply", "--plan", "p", "--progress", "--project", str(bench.project)),
        ("ecotui", "quota", "--wait", "X", "--project", str(bench.project)),
        ("gh", "auth", "status"),
    ]


def test_a_fix_is_logged_before_its_command(bench: Bench) -> None:
    project = bench.open_project()
    project.run_fix_command(blocked_reports()["quota"].findings[0], REQUEST)
    assert [type(record.event).__name__ for record in project.session.read_records()] == [
        "SessionStarted",
        "FixChosen",
    ]
    assert len(bench.started) == 1


@pytest.mark.usefixtures("supervised")
def test_a_secret_variable_reaches_the_command_and_is_masked_wherever_it_is_written(bench: Bench) -> None:
    project = bench.open_project()
    project.set_variable("GITHUB_TOKEN", SECRET, secret=True)
    code = "import os; token = os.environ['GITHUB_TOKEN']; print('length', len(token)); print('it is', token)"
    command = project.start_command("github", "Tell", (sys.executable, "-c", code))
    wait_for(lambda: read_command_status(command.folder).state == "exited")
    output = (command.folder / "output.log").read_text()
    assert f"length {len(SECRET)}" in output
    assert "it is" in output
    for path in bench.state.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
    assert project.finish_command(command).outcome == "succeeded"
    project.close("left")


@pytest.mark.usefixtures("supervised")
def test_a_session_stays_open_while_a_command_runs_and_can_be_resumed(bench: Bench) -> None:
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


def test_a_second_open_project_is_read_only_and_does_not_end_the_session(
    bench: Bench, someone_else: LockHolder
) -> None:
    project = bench.open_project()
    assert project.is_read_only
    assert project.lock.holder == someone_else
    project.record_report(report("quota", finding("quota.a", CheckState.OK, "Fine.")))
    assert project.rebuild.step_state("quota") is CheckState.OK
    assert not any(isinstance(record.event, events.CheckReported) for record in project.session.read_records())
    project.close("left")
    assert project.session.read_summary().ended is None


def test_names_of_secret_variables_come_from_the_settings(bench: Bench) -> None:
    project = bench.open_project()
    assert project.secret_names == {"GITHUB_TOKEN"}
    assert SET_TOKEN.command == "export GITHUB_TOKEN=••••"
    project.close("left")


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
