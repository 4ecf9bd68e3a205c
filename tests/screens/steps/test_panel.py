"""The frame of the TUI: the steps, their findings, and what is said when a look goes wrong."""

from __future__ import annotations

import pytest
from support.reports import finding, report
from support.tui import Bench
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from checks.finding import CheckState, Fact
from checks.steps import STEPS
from ecotui.app import EcotuiApp
from ecotui.check_runner import CheckFailed
from screens.dialogs import ChoiceDialog, RawTextDialog
from screens.main.screen import MainScreen
from screens.steps.panel import StepPanel
from screens.widgets.step_list import StepList

HOSTILE = "[/x] [bold red]loud[/] [@click=app.quit]go[/] \\[ \N{SYMBOL FOR ESCAPE}[31m"


async def test_number_keys_switch_steps(bench: Bench, pilot: Pilot[int], screen: MainScreen) -> None:
    for number, step in enumerate(STEPS, start=1):
        await pilot.press(str(number))
        await pilot.pause()
        assert screen.current_step == step.id
        assert screen.query_one("#panels").current == f"step-{step.id}"  # type: ignore[attr-defined]
        assert screen.current_panel.report == bench.reports[step.id]


async def test_the_first_round_of_looks_ends_at_the_first_step_that_needs_somebody(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await bench.until(pilot, lambda: screen.current_step == "quota", "the step that is blocked")
    assert bench.checked_steps == [tuple(step.id for step in STEPS)]


async def test_a_step_that_the_operator_chose_while_the_looks_ran_is_left_alone_later(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("7")
    await pilot.press("R")
    await bench.until(pilot, lambda: len(bench.checked_steps) == 2)
    await bench.settled(pilot)
    assert screen.current_step == "nodes"


@pytest.mark.parametrize("key", ["2", "3", "5"])
@pytest.mark.parametrize("pilot", [(80, 24)], indirect=True)
async def test_a_step_takes_no_more_room_than_its_lines(key: str, pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press(key)
    await pilot.pause()
    await pilot.pause()
    texts = [one for one in screen.current_panel.query(".detail, .facts").results(Static) if one.display]
    assert texts
    for text in texts:
        assert text.size.height == text.get_content_height(text.size, text.size, text.size.width)


async def test_n_goes_to_what_is_blocked_next(pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("7", "n")
    await pilot.pause()
    assert screen.current_step == "quota"


async def test_n_says_that_nothing_is_in_the_way_when_the_rebuild_is_done(bench: Bench) -> None:
    from support.reports import rebuilt_reports

    bench.reports = dict(rebuilt_reports())
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await bench.settled(pilot)
        await pilot.press("n")
        await pilot.pause()
        assert "the rebuild is done" in bench.notices(pilot)


async def test_the_list_of_steps_tells_each_state_with_a_sign_and_a_word(bench: Bench, pilot: Pilot[int]) -> None:
    await bench.settled(pilot)
    lines = bench.text(pilot).splitlines()
    for title, sign, word in (
        ("1 Environment", "!", "warn"),
        ("2 Quotas", "✗", "blocked"),
        ("6 CloudFront", "!", "warn"),
        ("7 Nodes", "?", "unknown"),
    ):
        line = next(line for line in lines if title in line)[:28]
        assert sign in line
        assert word in line


async def test_while_a_look_is_under_way_the_step_says_so_and_the_frame_answers(bench: Bench) -> None:
    bench.checks_answer.clear()
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await bench.until(pilot, lambda: bench.checked_steps and screen.query(".step-panel"))
        await pilot.press("3")
        await pilot.pause()
        assert screen.current_step == "github"
        assert "The first check is running" in bench.text(pilot)
        bench.checks_answer.set()
        await bench.settled(pilot)
        assert "The token lacks read:org" in bench.text(pilot)


async def test_a_step_that_was_chosen_before_its_look_ended_has_the_cursor_once_it_shows_its_findings(
    bench: Bench,
) -> None:
    bench.checks_answer.clear()
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await bench.until(pilot, lambda: bench.checked_steps and screen.query(".step-panel"))
        await pilot.press("5")
        await pilot.pause()
        assert screen.current_step == "apply"
        assert app.focused is None
        bench.checks_answer.set()
        await bench.settled(pilot)
        assert app.focused is screen.current_panel.query_one(".findings")


async def test_a_blocked_finding_comes_first_and_offers_its_ways_out(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("2")
    await pilot.pause()
    assert screen.current_panel.selected_finding is not None
    assert screen.current_panel.selected_finding.id == "quota.vcpu"
    assert screen.current_panel.selected_fix is not None
    assert screen.current_panel.selected_fix.id == "request"
    text = bench.text(pilot)
    assert "16 allowed, 4 in use, 26 needed: 14 too few." in text
    assert "$ ecotui quota --request L-1216C47A --value 32 --yes" in text
    assert "recommended" in text


async def test_the_ways_out_follow_the_highlighted_finding(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("2", "down")
    await pilot.pause()
    assert screen.current_panel.selected_finding is not None
    assert screen.current_panel.selected_finding.id == "quota.elastic-ip"
    assert not screen.current_panel.query_one(".fixes").display
    await pilot.press("f")
    await pilot.pause()
    assert app.screen is screen
    assert bench.started == []


async def test_keys_that_come_in_one_burst_take_the_way_out_of_where_they_went(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("1")
    await pilot.pause()
    panel = screen.current_panel
    at = {one.id: index for index, one in enumerate(panel._findings)}
    panel.query_one(".findings", OptionList).highlighted = at["environment.identity"]
    panel.action_fix()  # before anybody heard that the cursor moved
    await bench.until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the choice of a profile")
    await pilot.press("escape")
    await pilot.pause()
    panel.query_one(".findings", OptionList).highlighted = at["environment.terraform"]
    panel.action_fix()  # there is no way out of what is fine
    await pilot.pause()
    assert app.screen is screen


async def test_looking_again_keeps_the_highlighted_finding(bench: Bench, pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("1", "down", "down", "r")
    await bench.until(pilot, lambda: len(bench.checked_steps) == 2)
    await bench.settled(pilot)
    assert bench.checked_steps[-1] == ("environment",)
    assert screen.current_panel.selected_finding is not None
    assert screen.current_panel.selected_finding.id == "environment.identity"


async def test_a_look_that_ends_while_a_way_out_is_chosen_moves_neither_it_nor_its_finding(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("5")
    await pilot.pause()
    panel = screen.current_panel
    held = next(one for one in bench.reports["apply"].findings if len(one.fixes) > 1)  # type: ignore[union-attr]
    while panel.selected_finding != held:
        await pilot.press("down")
    await pilot.press("tab", "end")
    await pilot.pause()
    assert panel.selected_fix == held.fixes[-1]
    worse = finding("apply.collision:x", CheckState.BLOCKED, "x exists already")
    bench.reports["apply"] = report("apply", worse, *bench.reports["apply"].findings)  # type: ignore[union-attr]
    await pilot.press("r")
    await bench.until(pilot, lambda: panel.report == bench.reports["apply"])
    assert panel.selected_finding == held
    assert panel.selected_fix == held.fixes[-1]


async def test_what_may_not_be_looked_at_is_named_and_never_green(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("7")
    await pilot.pause()
    assert screen.project is not None
    assert screen.project.rebuild.step_state("nodes") is CheckState.UNKNOWN
    text = bench.text(pilot)
    assert "? unknown" in text
    assert "Not allowed: list nodes" in text


async def test_the_raw_text_behind_a_finding_is_shown_on_x(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await bench.settled(pilot)
    await pilot.press("7", "x")
    await pilot.pause()
    assert isinstance(app.screen, RawTextDialog)
    assert "10.0.1.10:6443 was refused" in bench.text(pilot)


async def test_a_failed_look_is_shown_with_its_reason_and_turns_nothing_green(bench: Bench) -> None:
    bench.reports["github"] = CheckFailed("the look was ended by SIGKILL", "Killed")
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        assert "the look was ended by SIGKILL" in bench.notices(pilot)
        assert screen.project is not None
        assert screen.project.rebuild.step_state("github") is None
        assert not screen.project.rebuild.active_checks
        await pilot.press("3")
        await pilot.pause()
        assert "Press r to check this step" in bench.text(pilot)


async def test_a_crash_of_the_looking_itself_is_shown(bench: Bench) -> None:
    bench.reports["quota"] = RuntimeError("no [such] thing")
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        assert "RuntimeError: no [such] thing" in bench.notices(pilot)
        assert screen.project is not None
        assert not screen.project.rebuild.active_checks


async def test_a_report_that_its_panel_cannot_draw_does_not_take_the_frame_down(bench: Bench) -> None:
    bench.reports["nodes"] = report("nodes", finding("nodes.a", CheckState.OK, "Fine."), detail={"nonsense": 1})
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        await pilot.press("7")
        await pilot.pause()
        assert screen.current_step == "nodes"
        assert "Fine." in bench.text(pilot)


async def test_text_from_outside_is_shown_as_it_is(bench: Bench) -> None:
    bench.reports["github"] = report(
        "github",
        finding(
            "github.odd",
            CheckState.BLOCKED,
            f"summary {HOSTILE}",
            title=f"title {HOSTILE}",
            facts=(Fact(label=f"[b]{HOSTILE}", value=f"value {HOSTILE}"),),
            raw=f"raw {HOSTILE}",
        ),
    )
    app = bench.app()
    async with app.run_test(size=(160, 36)) as pilot:
        await bench.settled(pilot)
        await pilot.press("3")
        await pilot.pause()
        text = bench.text(pilot)
        for part in ("summary", "title", "value"):
            assert f"{part} {HOSTILE}" in text
        await pilot.press("x")
        await pilot.pause()
        assert f"raw {HOSTILE}" in bench.text(pilot)


async def test_a_finding_of_ten_thousand_letters_stays_on_the_screen(bench: Bench) -> None:
    bench.reports["github"] = report("github", finding("github.long", CheckState.BLOCKED, "가" * 10_000))
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await bench.settled(pilot)
        await pilot.press("3")
        await pilot.pause()
        assert screen.current_panel.region.width <= 80
        assert "가가가" in bench.text(pilot)


@pytest.mark.parametrize("size", [(200, 60), (120, 36), (100, 24), (99, 24), (80, 24), (60, 16), (40, 10)])
async def test_every_step_has_a_usable_frame(bench: Bench, size: tuple[int, int]) -> None:
    app = bench.app()
    async with app.run_test(size=size) as pilot:
        screen = await bench.settled(pilot)
        for number in range(1, len(STEPS) + 1):
            await pilot.press(str(number))
            await pilot.pause()
            whole = Region(0, 0, *size)
            panel = screen.current_panel
            assert panel.region.intersection(whole).area > 0
            assert whole.contains_region(panel.query_one(".findings").region) or size[1] < 24
            # At least the chosen finding can be read.
            first = str(panel.query_one(".findings", OptionList).options[0].prompt).split("\n")[0]
            assert first.strip()[:20] in bench.text(pilot)


@pytest.mark.parametrize("pilot", [(30, 8)], indirect=True)
async def test_a_terminal_of_30_by_8_is_told_to_be_too_small(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    assert screen.query_one("#too-small").display
    assert not screen.query_one("#work").display
    assert "too small" in bench.text(pilot).replace("\n", " ")
    await pilot.resize_terminal(120, 36)
    await pilot.pause()
    assert not screen.query_one("#too-small").display
    assert screen.query_one("#work").display


async def test_below_100_columns_the_steps_become_a_strip(pilot: Pilot[int], screen: MainScreen) -> None:
    assert not screen.query_one(StepList).is_strip
    await pilot.resize_terminal(99, 36)
    await pilot.pause()
    assert screen.query_one(StepList).is_strip
    assert screen.query_one(StepList).region.height == 1


async def test_a_click_on_a_step_goes_there(pilot: Pilot[int], screen: MainScreen) -> None:
    assert await pilot.click(StepList, offset=(5, 1 + 3))
    await pilot.pause()
    assert screen.current_step == "cleanup"


async def test_k_and_j_move_in_a_list(pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("1")
    findings = screen.current_panel.query_one(".findings", OptionList)
    await pilot.press("j", "j")
    assert findings.highlighted == 2
    await pilot.press("k")
    assert findings.highlighted == 1


async def test_the_hints_name_only_what_can_be_done(pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("7")
    await pilot.pause()
    panel: StepPanel = screen.current_panel
    assert panel.check_action("override", ())
    assert panel.check_action("raw", ())
    # Where the guide has nothing about a finding, it says how to go on.
    assert panel.check_action("guide", ())
    hints = str(panel.query_one(".facts", Static).render())
    assert "raw output (x)" in hints
    assert "what explains it (g)" in hints


async def test_a_look_that_is_under_way_says_what_it_is_at(bench: Bench) -> None:
    bench.check_messages = {
        "quota": "AWS throttles Service [Quotas]: 12 of 30 answered",
        "github": "asking github.com",
    }
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await bench.settled(pilot)
        await pilot.press("2")
        bench.checks_answer.clear()
        await pilot.press("r")
        await bench.until(pilot, lambda: "Service [Quotas]: 12 of 30 answered" in bench.text(pilot))
        assert "asking github.com" not in bench.text(pilot)
        bench.checks_answer.set()
        await bench.settled(pilot)
        assert "12 of 30" not in bench.text(pilot)
