"""Commands on screen: their output, their end, interrupting them, and coming back to them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.tui import Bench
from textual.pilot import Pilot
from textual.widgets import Input, Log

from checks.finding import CheckState
from ecotui.app import EcotuiApp
from ecotui.session import events
from ecotui.session.store import SessionStore
from ecotui.supervisor import Command
from screens.dialogs import ConfirmDialog, TypedConfirmDialog
from screens.main.screen import MainScreen
from screens.messages import CommandOutputReceived
from screens.widgets.log_drawer import MAX_LINES, LogDrawer

HOSTILE = "[/x] [bold red]loud[/] \\[ \N{SYMBOL FOR ESCAPE}[31m"


async def begin(bench: Bench, pilot: Pilot[Any]) -> tuple[MainScreen, Command]:
    """The request for a quota, started and under way."""
    screen = await bench.settled(pilot)
    await pilot.press("2", "f")
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    return screen, screen.step_commands["quota"].command


def log_of(screen: MainScreen) -> list[str]:
    return list(screen.query_one(LogDrawer).query_one(Log).lines)


async def test_what_a_command_writes_appears_in_the_drawer(bench: Bench, pilot: Pilot[int]) -> None:
    screen, command = await begin(bench, pilot)
    assert screen.query_one(LogDrawer).display
    bench.write_output(command, "asking AWS", f"it said {HOSTILE}")
    await bench.until(pilot, lambda: len(log_of(screen)) >= 2)
    assert "asking AWS" in log_of(screen)
    assert f"it said {HOSTILE}" in bench.text(pilot)
    assert "▶ Request an increase to 32" in bench.text(pilot)


async def test_of_a_program_that_reports_in_json_the_message_is_shown(bench: Bench, pilot: Pilot[int]) -> None:
    screen, command = await begin(bench, pilot)
    bench.write_output(command, '{"@level":"info","@message":"aws_vpc.main: Creating..."}', "{not json", '["a"]')
    await bench.until(pilot, lambda: len(log_of(screen)) >= 3)
    assert log_of(screen)[:3] == ["aws_vpc.main: Creating...", "{not json", '["a"]']


async def test_when_a_command_ends_its_step_and_all_later_ones_are_looked_at(bench: Bench, pilot: Pilot[int]) -> None:
    screen, command = await begin(bench, pilot)
    assert screen.project is not None
    assert screen.project.rebuild.running_commands == {"quota": "Request an increase to 32"}
    bench.write_output(command, "request r2 is open")
    bench.end_command(command)
    await bench.until(pilot, lambda: len(bench.checked_steps) == 2)
    assert bench.checked_steps[-1] == ("quota", "github", "cleanup", "apply", "cloudfront", "nodes")
    assert screen.project.rebuild.running_commands == {}
    assert "request r2 is open" in log_of(screen)
    assert "succeeded" in bench.notices(pilot)


async def test_a_command_that_ends_well_does_not_turn_its_step_green_only_a_look_does(
    bench: Bench, pilot: Pilot[int]
) -> None:
    screen, command = await begin(bench, pilot)
    bench.checks_answer.clear()
    bench.end_command(command)
    await bench.until(pilot, lambda: len(bench.checked_steps) == 2)
    assert screen.project is not None
    assert screen.project.rebuild.step_state("quota") is CheckState.BLOCKED
    bench.checks_answer.set()


async def test_a_failed_command_says_so_with_its_exit_code(bench: Bench, pilot: Pilot[int]) -> None:
    _, command = await begin(bench, pilot)
    bench.end_command(command, 1)
    await bench.until(pilot, lambda: "failed (exit 1)" in bench.text(pilot))
    assert "✗ Request an increase to 32" in bench.text(pilot)


async def test_a_step_runs_one_command_at_a_time(bench: Bench, pilot: Pilot[int]) -> None:
    await begin(bench, pilot)
    await pilot.press("f")
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    assert len(bench.started) == 1
    assert "already runs a command" in bench.notices(pilot)


async def test_a_million_lines_keep_the_drawer_bounded_and_the_frame_awake(bench: Bench, pilot: Pilot[int]) -> None:
    screen, command = await begin(bench, pilot)
    with (command.folder / "output.log").open("a") as stream:
        for block in range(100):
            stream.write("".join(f"line {block * 10_000 + row}\n" for row in range(10_000)))
    begun = time.monotonic()
    await pilot.press("3")
    await pilot.pause()
    assert screen.current_step == "github"
    await pilot.press("2")
    await bench.until(pilot, lambda: any("line 999999" in line for line in log_of(screen)), "the last line")
    assert len(log_of(screen)) <= MAX_LINES + 1
    assert time.monotonic() - begun < 10
    assert len(screen.step_commands["quota"].recent_lines) <= 500


async def test_the_lines_that_were_passed_over_are_counted_in_the_drawer(bench: Bench, pilot: Pilot[int]) -> None:
    screen, command = await begin(bench, pilot)
    screen.post_message(CommandOutputReceived(command, ("last",), skipped=123_456))
    await bench.until(pilot, lambda: "last" in log_of(screen))
    assert any("123456 lines passed over" in line for line in log_of(screen))


async def test_a_line_of_a_million_letters_is_cut(bench: Bench, pilot: Pilot[int]) -> None:
    screen, command = await begin(bench, pilot)
    bench.write_output(command, "x" * 1_000_000, "after")
    await bench.until(pilot, lambda: "after" in log_of(screen))
    assert max(map(len, log_of(screen))) <= 4_000


async def test_the_log_of_a_step_comes_back_with_the_step(bench: Bench, pilot: Pilot[int]) -> None:
    screen, command = await begin(bench, pilot)
    bench.write_output(command, "of the quota")
    await bench.until(pilot, lambda: "of the quota" in log_of(screen))
    await pilot.press("3")
    await pilot.pause()
    assert "of the quota" not in log_of(screen)
    assert not screen.query_one(LogDrawer).display
    await pilot.press("2")
    await pilot.pause()
    assert "of the quota" in log_of(screen)
    assert screen.query_one(LogDrawer).display


async def test_l_opens_and_closes_the_log(bench: Bench, pilot: Pilot[int], screen: MainScreen) -> None:
    drawer = screen.query_one(LogDrawer)
    assert not drawer.display
    await pilot.press("l")
    await pilot.pause()
    assert drawer.display
    assert "No command has run in this step" in bench.text(pilot)
    await pilot.press("l")
    await pilot.pause()
    assert not drawer.display


# -- interrupting ------------------------------------------------------------------------------------------------


@pytest.fixture
def interrupts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The interrupts that reached the supervisor: forced, or not."""
    sent: list[bool] = []

    def interrupt(_folder: object, force: bool = False) -> bool:
        sent.append(force)
        return True

    monkeypatch.setattr("ecotui.project.send_interrupt", interrupt)
    return sent


async def test_an_interrupt_asks_first(bench: Bench, interrupts: list[bool], app: EcotuiApp, pilot: Pilot[int]) -> None:
    await begin(bench, pilot)
    await pilot.press("i")
    await pilot.pause()
    assert isinstance(app.screen, ConfirmDialog)
    assert interrupts == []
    await pilot.press("escape")
    await pilot.pause()
    assert interrupts == []
    await pilot.press("i")
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    assert interrupts == [False]


async def test_a_second_interrupt_forces_and_needs_the_word_typed(
    bench: Bench, interrupts: list[bool], app: EcotuiApp, pilot: Pilot[int]
) -> None:
    await begin(bench, pilot)
    await pilot.press("i")
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press("i")
    await pilot.pause()
    assert isinstance(app.screen, TypedConfirmDialog)
    await pilot.press("enter")
    await pilot.pause()
    assert interrupts == [False]
    app.screen.query_one(Input).value = "force"
    await pilot.press("enter")
    await pilot.pause()
    assert interrupts == [False, True]


async def test_an_interrupt_is_offered_only_where_something_runs(
    bench: Bench, interrupts: list[bool], app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("i")
    await pilot.pause()
    assert app.screen is screen
    assert not screen.check_action("interrupt", ())
    await begin(bench, pilot)
    assert screen.check_action("interrupt", ())
    assert interrupts == []


# -- leaving and coming back -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_leaving_while_something_runs_says_that_it_goes_on(
    bench: Bench, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, command = await begin(bench, pilot)
        await pilot.press(key)
        await bench.until(pilot, lambda: app._exit)
        assert "Quotas: still running" in str(app._exit_renderables)
        assert screen.project is not None
        screen.project.close("left")
        assert screen.project.session.read_summary().ended is None
    assert not (command.folder / "exit.json").exists()


async def test_leaving_while_nothing_runs_ends_the_session(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        await pilot.press("q")
        await bench.until(pilot, lambda: app._exit)
        assert screen.project is not None
        screen.project.close("left")
    assert [summary.outcome for summary in SessionStore(bench.state).list_summaries()] == ["left"]


async def test_what_was_known_stands_in_the_first_paint_before_any_look(bench: Bench) -> None:
    from support.reports import blocked_reports

    session = bench.past_session(blocked_reports())
    bench.checks_answer.clear()
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await bench.until(pilot, lambda: bench.checked_steps and screen.query(".step-panel"))
        assert screen.project is not None
        assert screen.project.is_resumed
        assert screen.project.session.id == session.id
        assert screen.current_step == "quota"
        assert "16 allowed, 4 in use, 26 needed: 14 too few." in bench.text(pilot)
        bench.checks_answer.set()


async def test_a_session_that_was_ended_is_not_taken_up_again(bench: Bench) -> None:
    from support.reports import blocked_reports

    ended = bench.past_session(blocked_reports(), outcome="left")
    desk = bench.open_project()
    assert desk.session.id != ended.id
    assert desk.rebuild.reports == {}
    desk.close("left")


async def test_a_command_that_still_runs_is_followed_again(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, command = await begin(bench, pilot)
        bench.write_output(command, "before the hang-up")
        await pilot.press("q")
        assert screen.project is not None
        screen.project.close("left")
    bench.write_output(command, "while nobody watched")
    again = bench.app()
    async with again.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        assert screen.current_step == "quota"
        assert "is still running; following it again" in bench.notices(pilot)
        await bench.until(pilot, lambda: "while nobody watched" in log_of(screen))
        assert "before the hang-up" in log_of(screen)
        bench.write_output(command, "and now")
        await bench.until(pilot, lambda: "and now" in log_of(screen))
        assert screen.project is not None
        assert any(isinstance(record.event, events.SessionResumed) for record in screen.project.session.read_records())
        bench.end_command(command)
        await bench.until(pilot, lambda: screen.project is not None and not screen.project.rebuild.running_commands)


async def test_another_operator_follows_what_runs_and_cannot_interrupt_it(bench: Bench, interrupts: list[bool]) -> None:
    first = bench.open_project()
    command = first.start_command("quota", "Request", ("ecotui", "quota", "--request", "L-1216C47A"))
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        assert screen.project is not None
        assert screen.project.is_read_only
        bench.write_output(command, "seen by both")
        await bench.until(pilot, lambda: "seen by both" in log_of(screen))
        await pilot.press("i")
        await pilot.pause()
        assert app.screen is screen
        assert interrupts == []
        assert "You are watching" in bench.notices(pilot)
    bench.end_command(command)
    first.close("left")
