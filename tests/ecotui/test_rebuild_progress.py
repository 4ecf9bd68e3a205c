"""The rebuild as a whole: pure functions of reports, overrides and what runs."""

from __future__ import annotations

import pytest
from support.reports import blocked_reports, finding, rebuilt_reports, report

from checks.finding import CheckState
from checks.steps import STEPS
from ecotui.rebuild_progress import RebuildProgress, steps_to_recheck


def after(reports: dict) -> RebuildProgress:  # type: ignore[type-arg]
    rebuild = RebuildProgress()
    for one in reports.values():
        rebuild = rebuild.with_report(one)
    return rebuild


def test_before_any_look_the_first_step_is_next() -> None:
    assert RebuildProgress().next_step == STEPS[0].id
    assert RebuildProgress().step_state("quota") is None
    assert not RebuildProgress().is_done


def test_the_first_step_with_something_in_the_way_is_next() -> None:
    assert after(blocked_reports()).next_step == "quota"


def test_a_warning_stands_in_nobodys_way() -> None:
    assert after(blocked_reports()).blocking_findings("environment") == ()


@pytest.mark.parametrize("state", [CheckState.BLOCKED, CheckState.UNKNOWN])
def test_blocked_and_unknown_stand_in_the_way_until_overridden(state: CheckState) -> None:
    rebuild = after(rebuilt_reports()).with_report(report("quota", finding("quota.a", state, "No.")))
    assert rebuild.next_step == "quota"
    assert not rebuild.is_done
    passed = rebuild.with_override("quota.a", "by phone")
    assert passed.blocking_findings("quota") == ()
    assert passed.next_step is None
    assert rebuild.blocking_findings("quota") != ()


def test_an_override_lets_that_one_finding_pass_and_no_other() -> None:
    rebuild = RebuildProgress().with_report(
        report("quota", finding("quota.a", CheckState.BLOCKED, "No."), finding("quota.b", CheckState.BLOCKED, "No."))
    )
    assert [one.id for one in rebuild.with_override("quota.a", "x").blocking_findings("quota")] == ["quota.b"]


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
def test_an_override_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        RebuildProgress().with_override("quota.a", reason)


def test_a_rebuilt_world_is_done() -> None:
    assert after(rebuilt_reports()).is_done
    assert after(rebuilt_reports()).next_step is None


@pytest.mark.parametrize("step", [step.id for step in STEPS])
def test_nothing_is_done_before_every_step_was_looked_at(step: str) -> None:
    world = rebuilt_reports()
    del world[step]
    assert not after(world).is_done
    assert after(world).next_step == step


@pytest.mark.parametrize("step", ["apply", "cloudfront", "nodes"])
@pytest.mark.parametrize("state", [CheckState.WARN, CheckState.SKIPPED])
def test_the_last_three_steps_are_done_only_when_they_are_ok(step: str, state: CheckState) -> None:
    rebuild = after(rebuilt_reports()).with_report(report(step, finding(f"{step}.a", state, "Not yet.")))
    assert rebuild.next_step == step
    assert not rebuild.is_done


def test_a_look_replaces_the_last_one_and_ends_the_looking() -> None:
    rebuild = RebuildProgress().with_checks("quota", "github")
    assert rebuild.active_checks == {"quota", "github"}
    rebuild = rebuild.with_report(blocked_reports()["quota"])
    assert rebuild.active_checks == {"github"}
    rebuild = rebuild.with_report(rebuilt_reports()["quota"])
    assert rebuild.step_state("quota") is CheckState.OK
    assert rebuild.without_checks("github").active_checks == frozenset()


def test_a_failed_look_leaves_the_last_report_standing() -> None:
    rebuild = after(blocked_reports()).with_checks("quota").without_checks("quota")
    assert rebuild.step_state("quota") is CheckState.BLOCKED


def test_what_runs_is_told_by_step_until_it_ends() -> None:
    rebuild = RebuildProgress().with_command("apply", "Apply").with_command("quota", "Wait")
    assert rebuild.running_commands == {"apply": "Apply", "quota": "Wait"}
    assert rebuild.without_command("apply").running_commands == {"quota": "Wait"}
    assert rebuild.without_command("nodes").running_commands == rebuild.running_commands


def test_every_change_leaves_the_rebuild_before_it_as_it_was() -> None:
    first = RebuildProgress()
    first.with_report(blocked_reports()["quota"]).with_checks("quota").with_override("a", "b").with_command(
        "quota", "x"
    )
    assert first == RebuildProgress()


def test_after_a_command_the_steps_are_looked_at_that_it_may_have_changed() -> None:
    assert steps_to_recheck("apply", ("ecotui", "plan")) == ("apply",)
    assert steps_to_recheck("apply", ("ecotui", "apply", "--yes")) == (
        "apply",
        "cloudfront",
        "nodes",
        "cleanup",
        "quota",
    )
    assert steps_to_recheck("github", ("gh", "auth", "login"))[:2] == ("github", "cleanup")


def test_what_a_look_says_holds_until_it_is_back() -> None:
    rebuild = RebuildProgress().with_checks("apply", "quota").with_check_message("apply", "terraform validate")
    assert rebuild.check_messages == {"apply": "terraform validate"}
    assert rebuild.with_report(report("apply")).check_messages == {}
    assert rebuild.without_checks("quota").check_messages == {"apply": "terraform validate"}
    # A word that comes late is about a look that is over.
    assert rebuild.without_checks("apply").with_check_message("apply", "late").check_messages == {}
