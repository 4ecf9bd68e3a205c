"""The runbook and paste screens: from an error to its solution."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.reports import finding, leftover, rebuilt_reports, report
from support.tui import Bench
from textual import events as keys
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from checks.cleanup.model import CleanupDetail
from checks.finding import CheckState, Fix, OpenStep, Risk, RunCommand
from ecotui.guide.runbook.step import END_STEP
from ecotui.session import events
from ecotui.session.store import SessionStore
from screens.dialogs import ConfirmDialog, PromptDialog, RateDialog, TypedConfirmDialog
from screens.guide.browser import GuideScreen
from screens.guide.paste import PasteBox, PasteScreen
from screens.guide.runbook import RunbookScreen
from screens.main.screen import MainScreen
from screens.messages import GuideRequested

MEND = Fix(
    id="mend",
    title="Mend it",
    action=RunCommand(argv=("ecotui", "mend")),
    changes="It is mended.",
    risk=Risk.CHANGES,
    recommended=True,
)
VCPU = "Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity"


async def open_runbook(bench: Bench, pilot: Pilot[Any], *pressed: str) -> RunbookScreen:
    """Open the guide by keys, and the runbook of the entry that it shows."""
    app = pilot.app
    await bench.settled(pilot)
    await pilot.press(*pressed)
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
    await pilot.press("enter")
    await bench.until(pilot, lambda: isinstance(app.screen, RunbookScreen) and app.screen.steps)
    assert isinstance(app.screen, RunbookScreen)
    return app.screen


async def go_to(pilot: Pilot[Any], screen: RunbookScreen, key: str) -> None:
    """Put the cursor on a step."""
    for _ in range(30):
        if screen.selected_step is not None and screen.selected_step.key == key:
            return
        await pilot.press("down")
        await pilot.pause()
    raise AssertionError(f"no step {key}")


def logged(screen: RunbookScreen, kind: type) -> list[Any]:
    return [record.event for record in screen.project.session.read_records() if isinstance(record.event, kind)]


async def solve(bench: Bench, pilot: Pilot[Any], screen: RunbookScreen, step: str, mended: str) -> None:
    """The command that was started ends well, the check finds it no more, and the operator says so."""
    app = pilot.app
    await bench.until(pilot, lambda: screen.position.started_commands, "the command")
    command = screen.main_screen.step_commands[step].command
    bench.write_output(command, "working on it")
    await bench.until(pilot, lambda: "working on it" in bench.text(pilot), "its output")
    bench.reports[step] = report(step, finding(mended, CheckState.OK, "It is well."))
    bench.end_command(command)
    await bench.until(pilot, lambda: screen.position.selected_step == END_STEP, "the end")
    assert "The cause is gone: It is well." in bench.text(pilot)
    before = len(bench.checked_steps)
    await pilot.press("enter")
    await bench.until(pilot, lambda: isinstance(app.screen, RateDialog), "the question")
    assert bench.checked_steps[before:] == [(step,)]
    await pilot.press("y")
    await bench.until(pilot, lambda: app.screen is screen)
    assert logged(screen, events.RunbookRated) == [events.RunbookRated(entry=screen.position.entry, solved=True)]
    assert "solved it 1×" in bench.text(pilot)


@pytest.mark.parametrize(
    ("entry", "key", "known", "size"),
    [
        ("3.1", "2", "quota.vcpu", (120, 36)),
        ("5.1", "3", "github.scopes", (80, 24)),
        ("6.1", "6", "cloudfront.distribution.E2", (80, 24)),
    ],
    ids=["3.1", "5.1", "6.1"],
)
async def test_a_runbook_is_followed_from_its_finding_to_success(
    bench: Bench, entry: str, key: str, known: str, size: tuple[int, int]
) -> None:
    step = known.partition(".")[0]
    bench.reports = dict(rebuilt_reports())
    bench.reports[step] = report(
        step, finding(known, CheckState.BLOCKED, "It is in the way.", guide=(entry,), fixes=(MEND,))
    )
    app = bench.app()
    async with app.run_test(size=size) as pilot:
        screen = await open_runbook(bench, pilot, key, "g")
        assert screen.position.entry == entry
        assert "The cause is present: It is in the way." in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started)
        assert bench.started[-1][:2] == ("ecotui", "mend")
        await solve(bench, pilot, screen, step, known)
        assert f"{known}/mend" in [tick.step for tick in logged(screen, events.RunbookStepTicked)]


async def test_leftovers_are_deleted_from_the_runbook_after_typed_consent(bench: Bench) -> None:
    rows = (leftover("iam-policy", "prod-a"), leftover("iam-policy", "prod-b"), leftover("iam-role", "other"))
    delete = Fix(
        id="delete",
        title="Delete them",
        action=OpenStep(step="cleanup", select=(rows[0].key, rows[1].key)),
        changes="They are gone.",
        risk=Risk.DESTROYS,
    )
    bench.reports["cleanup"] = report(
        "cleanup",
        finding("cleanup.iam-policy", CheckState.BLOCKED, "2 leftover policies", guide=("2.1",), fixes=(delete,)),
        detail=CleanupDetail(account="123456789012", account_name="eco2-prod", resources=rows),
    )
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_runbook(bench, pilot, "4", "g")
        assert "The cause is present: 2 leftover policies" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, TypedConfirmDialog))
        asked = app.screen
        assert isinstance(asked, TypedConfirmDialog)
        assert asked.expected == "eco2-prod 2"
        assert "other" not in bench.text(pilot)
        await pilot.press(*"yes", "enter")
        assert not bench.started
        asked.query_one(Input).value = asked.expected
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started)
        assert bench.started[-1][:3] == ("ecotui", "cleanup", "--delete")
        await solve(bench, pilot, screen, "cleanup", "cleanup.iam-policy")


async def test_a_command_is_filled_copied_edited_and_run_without_a_shell_and_asks_when_it_destroys(
    bench: Bench,
) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_runbook(bench, pilot, "6", "g")
        await go_to(pilot, screen, "1.1")
        assert "--id E2QWRUHAPOMQZL" in bench.text(pilot)

        # Copied, and written to a file of one's own.
        await pilot.press("c", "w")
        await bench.until(pilot, lambda: "Written to a file" in bench.notices(pilot))
        assert app.clipboard.startswith("aws cloudfront get-distribution --id E2QWRUHAPOMQZL")
        file = screen.project.session.folder / "guide" / "6.1-1.1.sh"
        assert file.read_text().strip() == app.clipboard
        assert file.stat().st_mode & 0o777 == 0o600

        async def edit(text: str) -> None:
            await pilot.press("e")
            await bench.until(pilot, lambda: isinstance(app.screen, PromptDialog))
            app.screen.query_one(Input).value = text
            await pilot.press("enter")

        await edit("aws cloudfront list-distributions | wc -l")
        await bench.until(pilot, lambda: "It cannot be run: needs a shell: a pipe" in bench.notices(pilot))

        await edit("aws cloudfront delete-distribution --id E1")
        await bench.until(pilot, lambda: "delete-distribution --id E1" in bench.text(pilot))
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, TypedConfirmDialog))
        asked = app.screen
        assert isinstance(asked, TypedConfirmDialog)
        assert asked.expected == "delete-distribution E1"
        await pilot.press("escape")
        await pilot.pause()
        assert not bench.started

        await edit("aws cloudfront list-distributions --max-items 5")
        await bench.until(pilot, lambda: "--max-items 5" in bench.text(pilot))
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started)
        # It only reads: nobody is asked.
        assert bench.started == [("aws", "cloudfront", "list-distributions", "--max-items", "5")]


async def test_ticks_ratings_and_the_readers_position_survive_leaving_the_runbook(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_runbook(bench, pilot, "2", "g")
        first = screen.steps[0].key
        await pilot.press("space")
        await pilot.pause()
        assert screen.position.selected_step == screen.steps[1].key

        # To the step's screen, and back to this step of this entry.
        await go_to(pilot, screen, "1.2")
        await pilot.press("b")
        await bench.until(pilot, lambda: isinstance(app.screen, MainScreen))
        frame = app.screen
        assert isinstance(frame, MainScreen)
        assert frame.current_step == "quota"
        assert "Back to the guide" in bench.text(pilot)
        await pilot.press("b")
        await bench.until(pilot, lambda: isinstance(app.screen, RunbookScreen) and app.screen.selected_step is not None)
        back = app.screen
        assert isinstance(back, RunbookScreen)
        assert back.selected_step is not None
        assert back.selected_step.key == "1.2"
        assert back.done_steps == {first}
        await pilot.press("home")
        assert any("✓  1" in line for line in bench.text(pilot).splitlines())

        await pilot.press("v")
        await bench.until(pilot, lambda: "해결 방법 1" in bench.text(pilot))
        assert "원인이 있습니다" in bench.text(pilot)

        back.action_rate()
        await bench.until(pilot, lambda: isinstance(app.screen, RateDialog))
        await pilot.press("n")
        await bench.until(pilot, lambda: app.screen is back)
        assert [one.solved for one in logged(back, events.RunbookRated)] == [False]
        assert "Go on with 7.3" in bench.notices(pilot)

        await pilot.press("escape")
        await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen))
        guide = app.screen
        assert isinstance(guide, GuideScreen)
        assert guide.entry is not None
        assert guide.entry.id == "3.1"

        # From the text of an entry as well: the entry, and the line that was on top.
        page = guide.query_one("#guide-page")
        await bench.until(pilot, lambda: page.max_scroll_y > 5)
        page.scroll_to(y=5, animate=False)
        await pilot.press("b")
        await bench.until(pilot, lambda: app.screen is frame)
        await pilot.press("b")
        await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
        again = app.screen
        await bench.until(pilot, lambda: again.query_one("#guide-page").scroll_y == 5, "the line")
        assert again.entry.id == "3.1"  # type: ignore[attr-defined]
        await pilot.press("escape")
        await bench.until(pilot, lambda: app.screen is frame)
        assert frame.guide_return_location is None


# -- pasting -------------------------------------------------------------------------------------------------------


async def pasting(bench: Bench, pilot: Pilot[Any], text: str) -> PasteScreen:
    await bench.settled(pilot)
    await pilot.press("P")
    await bench.until(pilot, lambda: isinstance(pilot.app.screen, PasteScreen))
    screen = pilot.app.screen
    assert isinstance(screen, PasteScreen)
    await bench.until(pilot, lambda: screen.query_one(PasteBox).has_focus)
    screen.query_one(PasteBox).post_message(keys.Paste(text))
    found = screen.query_one("#paste-matches", OptionList)
    await bench.until(pilot, lambda: found.option_count and found.has_focus, "the entries")
    return screen


async def test_a_paste_of_any_size_is_explained_and_enter_opens_the_entry(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        # Large: a part of it is shown, all of it is looked at, and the screen goes on meanwhile.
        text = f"{VCPU}\n" + "still fine, 아직 괜찮음\n" * 100_000
        begun = time.monotonic()
        screen = await pasting(bench, pilot, text)
        assert time.monotonic() - begun < 10
        shown = screen.query_one(TextArea).text
        assert "100,001 lines pasted, the last 200 shown, all of them read" in shown
        assert shown.count("\n") <= 201
        assert "line 1, by “VcpuLimitExceeded”" in bench.text(pilot)
        assert screen.pasted_text == text
        await pilot.press("ctrl+l")
        await bench.until(pilot, lambda: not screen.query_one(TextArea).text)

        # With colours, a box, the ends of lines of another system, and what would reach the clipboard.
        pasted = f"하나\r\x1b[31m│ {VCPU}\x1b[0m\x1b]52;c;eA==\x07\r\n"
        screen.query_one(PasteBox).post_message(keys.Paste(pasted))
        await bench.until(pilot, lambda: "line 2, by “VcpuLimitExceeded”" in bench.text(pilot), "the entry")
        assert screen.query_one(TextArea).text.splitlines() == ["하나", f"│ {VCPU}"]
        await pilot.press("enter")
        await bench.until(
            pilot,
            lambda: isinstance(app.screen, GuideScreen) and app.screen.entry and app.screen.entry.id == "3.1",
        )
        assert "Matched" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, RunbookScreen) and app.screen.steps)
        assert isinstance(app.screen, RunbookScreen)
        assert "VcpuLimitExceeded" in app.screen.position.error
        assert "Error" in bench.text(pilot)


async def test_an_error_that_nothing_matches_leads_through_the_order_of_response(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pasting(bench, pilot, "Error: the printer on the third floor is out of paper")
        assert "The guide has nothing about this" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(
            pilot,
            lambda: isinstance(app.screen, GuideScreen) and app.screen.entry and app.screen.entry.id == "7.3",
        )
        guide = app.screen
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, RunbookScreen) and app.screen.steps)
        screen = app.screen
        assert isinstance(screen, RunbookScreen)
        assert "out of paper" in bench.text(pilot)
        await go_to(pilot, screen, "1.3")
        before = len(bench.checked_steps)
        await pilot.press("enter")
        await bench.until(pilot, lambda: len(bench.checked_steps) > before)
        assert bench.checked_steps[-1] == ("cleanup",)
        await go_to(
            pilot, screen, "1.2"
        ) if screen.selected_step and screen.selected_step.key < "1.2" else screen.leave_for_step("apply")
        await bench.until(pilot, lambda: isinstance(app.screen, MainScreen))
        assert guide not in app.screen_stack
        assert app.screen_stack[0].current_step == "apply"  # type: ignore[attr-defined]


async def test_the_entry_that_solved_it_in_an_earlier_session_comes_first(bench: Bench) -> None:
    session = SessionStore(bench.state).create(project="other", folder=bench.home, env=bench.env)
    session.append(events.RunbookRated(entry="5.1", solved=True))
    session.end("left")
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        frame = await bench.settled(pilot)
        frame.post_message(GuideRequested(error=f"{VCPU}\nerror: missing required scope 'read:org'"))
        await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
        await bench.until(pilot, lambda: "5.1 Missing Required Scope  ✓1" in bench.text(pilot))
        lines = bench.text(pilot).splitlines()
        first, second = (
            next(i for i, line in enumerate(lines) if line.startswith(f" {one} ")) for one in ("5.1", "3.1")
        )
        assert first < second


# -- every step leads to its entry ---------------------------------------------------------------------------------


async def test_g_leads_from_the_finding_of_each_step_to_its_entry_and_without_one_to_the_order_of_response(
    bench: Bench,
) -> None:
    leads = {
        "environment.variable.VERSION": "7.1",
        "quota.vcpu": "3.1",
        "github.scopes": "5.1",
        "cleanup.iam-policy": "2.1",
        "apply.configuration": "1.3",
        "cloudfront.distribution.E1": "6.1",
        "nodes.api": "7.2",
    }
    for known, entry in leads.items():
        step = known.partition(".")[0]
        bench.reports[step] = report(step, finding(known, CheckState.BLOCKED, "in the way", guide=(entry,)))
    bench.reports["environment"] = report(
        "environment",
        finding("environment.variable.VERSION", CheckState.BLOCKED, "in the way", guide=("7.1",)),
        finding("environment.kubectl", CheckState.BLOCKED, "kubectl is not on PATH"),
    )
    app = bench.app()

    async def opened(wanted: str) -> None:
        await bench.until(
            pilot,
            lambda: isinstance(app.screen, GuideScreen) and app.screen.entry and app.screen.entry.id == wanted,
            wanted,
        )

    async with app.run_test(size=(80, 24)) as pilot:
        frame = await bench.settled(pilot)
        for number, entry in enumerate(leads.values(), 1):
            await pilot.press(str(number), "g")
            await opened(entry)
            assert "The cause is present: in the way" in bench.text(pilot)
            await pilot.press("escape")
            await bench.until(pilot, lambda: app.screen is frame)
        await pilot.press("1", "down", "g")
        await opened("7.3")
        assert "The guide has nothing about this error; go on with this entry" in bench.text(pilot)
        assert "kubectl is not on PATH" in bench.text(pilot)
