"""What is asked before anything is changed, and what then happens; nothing happens without it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.reports import finding, report
from support.tui import Bench, submit_text
from textual.pilot import Pilot
from textual.widgets import Input

from checks.finding import CheckState, CopyText, Fix, PasteSecret, Risk, RunCommand, RunInTerminal, UnsetVariable
from ecotui.app import EcotuiApp
from ecotui.session import events
from ecotui.session.lock import LockHolder
from screens.dialogs import ChoiceDialog, ConfirmDialog, PromptDialog, TypedConfirmDialog
from screens.main.screen import MainScreen

SECRET = f"ghp_{'16C7e42F' * 5}"[:40]


def logged(screen: MainScreen, kind: type) -> list[Any]:
    assert screen.project is not None
    return [record.event for record in screen.project.session.read_records() if isinstance(record.event, kind)]


async def to_fix(bench: Bench, pilot: Pilot[Any], fix: Fix) -> MainScreen:
    """A world whose GitHub step offers this one way out, and its step on the screen."""
    bench.reports["github"] = report("github", finding("github.it", CheckState.BLOCKED, "It is wrong.", fixes=(fix,)))
    screen = await bench.settled(pilot)
    await pilot.press("3")
    await pilot.pause()
    return screen


async def test_a_fix_that_changes_something_asks_before_it_runs(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("2", "f")
    await pilot.pause()
    assert isinstance(app.screen, ConfirmDialog)
    assert "$ ecotui quota --request L-1216C47A --value 32 --yes" in bench.text(pilot)
    assert "AWS gets a request for 32" in bench.text(pilot)
    assert bench.started == []
    await pilot.press("enter")
    await pilot.pause()
    assert app.screen is screen
    (argv,) = bench.started
    assert argv[:7] == ("ecotui", "quota", "--request", "L-1216C47A", "--value", "32", "--yes")
    (chosen,) = logged(screen, events.FixChosen)
    assert (chosen.finding, chosen.fix) == ("quota.vcpu", "request")


@pytest.mark.parametrize("key", ["escape", "n"])
async def test_declining_starts_and_logs_nothing(
    bench: Bench, key: str, app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("2", "f")
    await pilot.pause()
    assert isinstance(app.screen, ConfirmDialog)
    await pilot.press(key)
    await pilot.pause()
    assert app.screen is screen
    assert bench.started == []
    assert logged(screen, events.FixChosen) == []


async def test_a_fix_that_only_reads_starts_at_once(bench: Bench, pilot: Pilot[int]) -> None:
    await to_fix(
        bench,
        pilot,
        Fix(id="a", title="Wait", action=RunCommand(argv=("ecotui", "quota", "--wait", "X")), changes=""),
    )
    await pilot.press("f")
    await pilot.pause()
    assert [argv[:4] for argv in bench.started] == [("ecotui", "quota", "--wait", "X")]


async def test_a_fix_that_destroys_needs_the_account_typed(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    fix = Fix(
        id="a",
        title="Raze",
        action=RunCommand(argv=("terraform", "destroy")),
        changes="All gone.",
        risk=Risk.DESTROYS,
    )
    await to_fix(bench, pilot, fix)
    await pilot.press("f")
    await pilot.pause()
    assert isinstance(app.screen, TypedConfirmDialog)
    assert app.screen.expected == "eco2-prod"
    for wrong in ("", "yes", "eco2", "ECO2-PROD"):
        await submit_text(pilot, wrong)
        assert isinstance(app.screen, TypedConfirmDialog)
        assert bench.started == []
    await submit_text(pilot, "eco2-prod")
    assert bench.started == [("terraform", "destroy")]


async def test_an_override_asks_for_a_reason_and_logs_it(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("2", "o")
    await pilot.pause()
    assert isinstance(app.screen, PromptDialog)
    await submit_text(pilot, "   ")
    assert isinstance(app.screen, PromptDialog)
    assert logged(screen, events.FindingOverridden) == []
    await submit_text(pilot, "AWS raised it by phone")
    assert [(one.finding, one.reason) for one in logged(screen, events.FindingOverridden)] == [
        ("quota.vcpu", "AWS raised it by phone")
    ]
    assert screen.project is not None
    assert screen.project.rebuild.blocking_findings("quota") == ()
    assert "(overridden)" in bench.text(pilot)
    assert "Overridden: AWS raised it by phone" in bench.text(pilot)


async def test_what_is_ok_cannot_be_overridden(app: EcotuiApp, pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("2", "down", "o")
    await pilot.pause()
    assert app.screen is screen


def holders_of(folder: Path, secret: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


async def test_the_value_of_a_masked_variable_reaches_what_is_started_and_no_file(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        await pilot.press("1", "f")
        await pilot.pause()
        assert isinstance(app.screen, PromptDialog)
        assert app.screen.query_one(Input).password
        await pilot.press(*SECRET)
        assert SECRET not in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: len(bench.checked_steps) == 2)
        await bench.settled(pilot)
        assert screen.project is not None
        assert screen.project.child_env()["GITHUB_TOKEN"] == SECRET
        assert [(one.name, one.secret) for one in logged(screen, events.VariableSet)] == [("GITHUB_TOKEN", True)]
        assert SECRET not in bench.text(pilot)
    assert holders_of(bench.state, SECRET.encode()) == []


async def test_a_reason_that_holds_a_secret_is_masked_in_the_log(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        assert screen.project is not None
        await pilot.press("2", "o")
        await pilot.pause()
        await submit_text(pilot, f"works with {SECRET}")
        assert len(logged(screen, events.FindingOverridden)) == 1
    assert holders_of(bench.state, SECRET.encode()) == []


async def test_a_pasted_token_goes_to_standard_input_only(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        fix = Fix(
            id="paste",
            title="Paste a token",
            action=PasteSecret(argv=("gh", "auth", "login", "--with-token"), prompt="A classic token."),
            changes="",
            risk=Risk.CHANGES,
        )
        await to_fix(bench, pilot, fix)
        await pilot.press("f")
        await pilot.pause()
        assert isinstance(app.screen, PromptDialog)
        await submit_text(pilot, SECRET)
        assert bench.started == [("gh", "auth", "login", "--with-token")]
        assert bench.stdin == [f"{SECRET}\n".encode()]
    assert holders_of(bench.state, SECRET.encode()) == []


async def test_a_profile_is_picked_for_this_session(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("1", "down", "down", "f")
    await pilot.pause()
    assert isinstance(app.screen, ChoiceDialog)
    await pilot.press("down", "enter")
    await bench.until(pilot, lambda: len(bench.checked_steps) == 2)
    assert screen.project is not None
    assert screen.project.child_env()["AWS_PROFILE"] == "eco2-admin"
    assert [one.profile for one in logged(screen, events.ProfilePicked)] == ["eco2-admin"]
    assert "profile eco2-admin" in bench.text(pilot)


async def test_a_variable_that_is_left_out_is_gone_for_what_is_started(bench: Bench) -> None:
    app = bench.app(AWS_SESSION_TOKEN="old")
    async with app.run_test(size=(120, 36)) as pilot:
        fix = Fix(id="unset", title="Leave it out", action=UnsetVariable(name="AWS_SESSION_TOKEN"), changes="")
        screen = await to_fix(bench, pilot, fix)
        assert screen.project is not None
        assert "AWS_SESSION_TOKEN" in screen.project.child_env()
        await pilot.press("f")
        await bench.until(pilot, lambda: len(bench.checked_steps) == 2)
        assert "AWS_SESSION_TOKEN" not in screen.project.child_env()


async def test_a_command_to_take_away_is_copied_and_not_run(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await to_fix(
        bench,
        pilot,
        Fix(id="copy", title="Look there", action=CopyText(text="ssh [node] uptime"), changes=""),
    )
    await pilot.press("f")
    await pilot.pause()
    assert app.clipboard == "ssh [node] uptime"
    assert "ssh [node] uptime" in bench.notices(pilot)
    assert bench.started == []


async def test_where_the_terminal_cannot_be_lent_the_command_is_named(bench: Bench, pilot: Pilot[int]) -> None:
    fix = Fix(
        id="sso",
        title="Log in",
        action=RunInTerminal(argv=("aws", "sso", "login")),
        changes="",
        risk=Risk.READS,
    )
    await to_fix(bench, pilot, fix)
    await pilot.press("f")
    await pilot.pause()
    assert "Run it yourself: aws sso login" in bench.notices(pilot)


@pytest.mark.parametrize("keys", [("2", "f"), ("4", "d"), ("2", "o"), ("1", "f")])
async def test_watching_another_operator_refuses_every_change_and_names_the_holder(
    bench: Bench, someone_else: LockHolder, keys: tuple[str, ...], app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    assert screen.project is not None
    assert screen.project.is_read_only
    await pilot.press(*keys)
    await pilot.pause()
    if isinstance(app.screen, TypedConfirmDialog):
        await submit_text(pilot, app.screen.expected)
    assert isinstance(app.screen, MainScreen)
    assert bench.started == []
    assert re.search(r"hana@\S+ on pts/7", bench.notices(pilot))
    assert "watching: hana on pts/7" in bench.text(pilot).splitlines()[0]


async def test_watching_writes_nothing_into_the_other_operators_session(bench: Bench, someone_else: LockHolder) -> None:
    (log,) = bench.state.glob("sessions/*/events.jsonl")
    before = log.read_bytes()
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        await pilot.press("q")
        assert screen.project is not None
        screen.project.close("left")
    assert log.read_bytes() == before


async def test_a_disk_that_is_full_is_said_and_the_frame_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecotui.session import SessionError

    def full(*_: object, **__: object) -> None:
        raise SessionError("cannot write to the log: No space left on device")

    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        monkeypatch.setattr("ecotui.project.start_command", full)
        await pilot.press("2", "f")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "No space left on device" in bench.notices(pilot)
        assert app.screen is screen
        assert "quota" not in screen.step_commands
