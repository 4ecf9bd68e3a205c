"""The rebuild as a whole: pure functions of reports, overrides and what runs."""

from __future__ import annotations

import pytest
from support.reports import broken_world, finding, rebuilt_world, report

from checks.finding import State
from checks.steps import STEPS
from ecotui.rebuild_progress import Rebuild, looks_after


def after(reports: dict) -> Rebuild:  # type: ignore[type-arg]
    rebuild = Rebuild()
    for one in reports.values():
        rebuild = rebuild.looked(one)
    return rebuild


def test_before_any_look_the_first_step_is_next() -> None:
    assert Rebuild().next_step == STEPS[0].id
    assert Rebuild().state("quota") is None
    assert not Rebuild().done


def test_the_first_step_with_something_in_the_way_is_next() -> None:
    assert after(broken_world()).next_step == "quota"


def test_a_warning_stands_in_nobodys_way() -> None:
    assert after(broken_world()).blocking("environment") == ()


@pytest.mark.parametrize("state", [State.BLOCKED, State.UNKNOWN])
def test_blocked_and_unknown_stand_in_the_way_until_overridden(state: State) -> None:
    rebuild = after(rebuilt_world()).looked(report("quota", finding("quota.a", state, "No.")))
    assert rebuild.next_step == "quota"
    assert not rebuild.done
    passed = rebuild.overridden("quota.a", "by phone")
    assert passed.blocking("quota") == ()
    assert passed.next_step is None
    assert rebuild.blocking("quota") != ()


def test_an_override_lets_that_one_finding_pass_and_no_other() -> None:
    rebuild = Rebuild().looked(
        report("quota", finding("quota.a", State.BLOCKED, "No."), finding("quota.b", State.BLOCKED, "No."))
    )
    assert [one.id for one in rebuild.overridden("quota.a", "x").blocking("quota")] == ["quota.b"]


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
def test_an_override_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        Rebuild().overridden("quota.a", reason)


def test_a_rebuilt_world_is_done() -> None:
    assert after(rebuilt_world()).done
    assert after(rebuilt_world()).next_step is None


@pytest.mark.parametrize("step", [step.id for step in STEPS])
def test_nothing_is_done_before_every_step_was_looked_at(step: str) -> None:
    world = rebuilt_world()
    del world[step]
    assert not after(world).done
    assert after(world).next_step == step


@pytest.mark.parametrize("step", ["apply", "cloudfront", "nodes"])
@pytest.mark.parametrize("state", [State.WARN, State.SKIPPED])
def test_the_last_three_steps_are_done_only_when_they_are_ok(step: str, state: State) -> None:
    rebuild = after(rebuilt_world()).looked(report(step, finding(f"{step}.a", state, "Not yet.")))
    assert rebuild.next_step == step
    assert not rebuild.done


def test_a_look_replaces_the_last_one_and_ends_the_looking() -> None:
    rebuild = Rebuild().look_started("quota", "github")
    assert rebuild.looking == {"quota", "github"}
    rebuild = rebuild.looked(broken_world()["quota"])
    assert rebuild.looking == {"github"}
    rebuild = rebuild.looked(rebuilt_world()["quota"])
    assert rebuild.state("quota") is State.OK
    assert rebuild.look_failed("github").looking == frozenset()


def test_a_failed_look_leaves_the_last_report_standing() -> None:
    rebuild = after(broken_world()).look_started("quota").look_failed("quota")
    assert rebuild.state("quota") is State.BLOCKED


def test_what_runs_is_told_by_step_until_it_ends() -> None:
    rebuild = Rebuild().command_started("apply", "Apply").command_started("quota", "Wait")
    assert rebuild.running == {"apply": "Apply", "quota": "Wait"}
    assert rebuild.command_ended("apply").running == {"quota": "Wait"}
    assert rebuild.command_ended("nodes").running == rebuild.running


def test_every_change_leaves_the_rebuild_before_it_as_it_was() -> None:
    first = Rebuild()
    first.looked(broken_world()["quota"]).look_started("quota").overridden("a", "b").command_started(
        "quota", "x"
    )
    assert first == Rebuild()


def test_after_a_command_the_steps_are_looked_at_that_it_may_have_changed() -> None:
    assert looks_after("apply", ("ecotui", "plan")) == ("apply",)
    assert looks_after("apply", ("ecotui", "apply", "--yes")) == (
        "apply",
        "cloudfront",
        "nodes",
        "cleanup",
        "quota",
    )
    assert looks_after("github", ("gh", "auth", "login"))[:2] == ("github", "cleanup")


def test_what_a_look_says_holds_until_it_is_back() -> None:
    rebuild = Rebuild().look_started("apply", "quota").look_said("apply", "terraform validate")
    assert rebuild.sayings == {"apply": "terraform validate"}
    assert rebuild.looked(report("apply")).sayings == {}
    assert rebuild.look_failed("quota").sayings == {"apply": "terraform validate"}
    # A word that comes late is about a look that is over.
    assert rebuild.look_failed("apply").look_said("apply", "late").sayings == {}
