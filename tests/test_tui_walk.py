"""Walking an entry of the guide, and pasting an error: the operator's way from an error to having solved it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fixtures_tui import Bench, finding, leftover, rebuilt_world, report
from textual import events as keys
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from checks.cleanup.leftover import CleanupDetail
from checks.finding import Fix, Risk, Run, State, Visit
from checks.steps import STEPS
from ecotui.guide.library import shipped
from ecotui.guide.steps import END
from ecotui.guide.verdict import Cause, judge
from ecotui.session import events
from ecotui.session.store import Store
from screens.dialogs import Ask, Confirm, Typed
from screens.guide import GuideScreen
from screens.intents import GuideWanted
from screens.paste import PasteBox, PasteScreen
from screens.rebuild import RebuildScreen
from screens.walk import WalkScreen
from screens.walk_deeds import Judge

MEND = Fix(
    id="mend",
    title="Mend it",
    action=Run(argv=("ecotui", "mend")),
    changes="It is mended.",
    risk=Risk.CHANGES,
    recommended=True,
)
VCPU = "Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity"


async def walking(bench: Bench, pilot: Pilot[Any], *pressed: str) -> WalkScreen:
    """Open the guide by keys, and walk the entry that it shows."""
    app = pilot.app
    await bench.settled(pilot)
    await pilot.press(*pressed)
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
    await pilot.press("enter")
    await bench.until(pilot, lambda: isinstance(app.screen, WalkScreen) and app.screen.steps)
    assert isinstance(app.screen, WalkScreen)
    return app.screen


async def go_to(pilot: Pilot[Any], screen: WalkScreen, key: str) -> None:
    """Put the cursor on a step."""
    for _ in range(30):
        if screen.step is not None and screen.step.key == key:
            return
        await pilot.press("down")
        await pilot.pause()
    raise AssertionError(f"no step {key}")


def logged(screen: WalkScreen, kind: type) -> list[Any]:
    return [record.event for record in screen.desk.session.records() if isinstance(record.event, kind)]


async def solve(bench: Bench, pilot: Pilot[Any], screen: WalkScreen, step: str, mended: str) -> None:
    """The command that was started ends well, the check finds it no more, and the operator says so."""
    app = pilot.app
    await bench.until(pilot, lambda: screen.walk.ran, "the command")
    command = screen.frame.following[step].command
    bench.say(command, "working on it")
    await bench.until(pilot, lambda: "working on it" in bench.text(pilot), "its output")
    bench.world[step] = report(step, finding(mended, State.OK, "It is well."))
    bench.end(command)
    await bench.until(pilot, lambda: screen.walk.cursor == END, "the end")
    assert "Not found: It is well." in bench.text(pilot)
    before = len(bench.looks)
    await pilot.press("enter")
    await bench.until(pilot, lambda: isinstance(app.screen, Judge), "the question")
    assert bench.looks[before:] == [(step,)]
    await pilot.press("y")
    await bench.until(pilot, lambda: app.screen is screen)
    assert logged(screen, events.EntryJudged) == [events.EntryJudged(entry=screen.walk.entry, solved=True)]
    assert "solved it 1×" in bench.text(pilot)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])
@pytest.mark.parametrize(
    ("entry", "key", "known"),
    [
        ("3.1", "2", "quota.vcpu"),
        ("5.1", "3", "github.scopes"),
        ("6.1", "6", "cloudfront.distribution.E2"),
    ],
)
async def test_an_entry_is_walked_from_its_finding_to_success(
    bench: Bench, entry: str, key: str, known: str, size: tuple[int, int]
) -> None:
    step = known.partition(".")[0]
    bench.world = dict(rebuilt_world())
    bench.world[step] = report(
        step, finding(known, State.BLOCKED, "It is in the way.", guide=(entry,), fixes=(MEND,))
    )
    app = bench.app()
    async with app.run_test(size=size) as pilot:
        screen = await walking(bench, pilot, key, "g")
        assert screen.walk.entry == entry
        assert "The cause is present: It is in the way." in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started)
        assert bench.started[-1][:2] == ("ecotui", "mend")
        await solve(bench, pilot, screen, step, known)
        assert f"{known}/mend" in [tick.step for tick in logged(screen, events.StepTicked)]


async def test_leftovers_are_deleted_from_the_walk_after_typed_consent(bench: Bench) -> None:
    rows = (leftover("iam-policy", "prod-a"), leftover("iam-policy", "prod-b"), leftover("iam-role", "other"))
    delete = Fix(
        id="delete",
        title="Delete them",
        action=Visit(step="cleanup", select=(rows[0].key, rows[1].key)),
        changes="They are gone.",
        risk=Risk.DESTROYS,
    )
    bench.world["cleanup"] = report(
        "cleanup",
        finding("cleanup.iam-policy", State.BLOCKED, "2 leftover policies", guide=("2.1",), fixes=(delete,)),
        detail=CleanupDetail(account="123456789012", account_name="eco2-prod", resources=rows),
    )
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await walking(bench, pilot, "4", "g")
        assert "The cause is present: 2 leftover policies" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, Typed))
        asked = app.screen
        assert isinstance(asked, Typed)
        assert asked.expected == "eco2-prod 2"
        assert "other" not in bench.text(pilot)
        await pilot.press(*"yes", "enter")
        assert not bench.started
        asked.query_one(Input).value = asked.expected
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started)
        assert bench.started[-1][:3] == ("ecotui", "cleanup", "--delete")
        await solve(bench, pilot, screen, "cleanup", "cleanup.iam-policy")


async def test_a_command_is_filled_edited_and_run_without_a_shell(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await walking(bench, pilot, "6", "g")
        await go_to(pilot, screen, "1.1")
        assert "--id E2QWRUHAPOMQZL" in bench.text(pilot)
        await pilot.press("e")
        await bench.until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = "aws cloudfront list-distributions | wc -l"
        await pilot.press("enter")
        await bench.until(pilot, lambda: "It cannot be run: needs a shell: a pipe" in bench.notices(pilot))
        await pilot.press("e")
        await bench.until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = "aws cloudfront list-distributions --max-items 5"
        await pilot.press("enter")
        await bench.until(pilot, lambda: "--max-items 5" in bench.text(pilot))
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started)
        # It only reads: nobody is asked.
        assert bench.started == [("aws", "cloudfront", "list-distributions", "--max-items", "5")]


async def test_a_destroying_command_needs_its_words_typed(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await walking(bench, pilot, "6", "g")
        await go_to(pilot, screen, "1.1")
        screen.walk.edits["1.1"] = "aws cloudfront delete-distribution --id E1"
        screen.recount()
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, Typed))
        asked = app.screen
        assert isinstance(asked, Typed)
        assert asked.expected == "delete-distribution E1"
        await pilot.press("escape")
        await pilot.pause()
        assert not bench.started


async def test_ticks_are_kept_in_the_session_and_shown_again(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await walking(bench, pilot, "2", "g")
        first = screen.steps[0].key
        await pilot.press("space")
        await pilot.pause()
        assert screen.walk.cursor == screen.steps[1].key
        await pilot.press("escape")
        await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen))
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, WalkScreen) and app.screen.steps)
        again = app.screen
        assert isinstance(again, WalkScreen)
        assert again.ticks == {first}
        assert any("✓  1" in line for line in bench.text(pilot).splitlines())


async def test_one_key_goes_to_the_steps_screen_and_back_to_where_one_was(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await walking(bench, pilot, "2", "g")
        await go_to(pilot, screen, "1.2")
        await pilot.press("b")
        await bench.until(pilot, lambda: isinstance(app.screen, RebuildScreen))
        frame = app.screen
        assert isinstance(frame, RebuildScreen)
        assert frame.current == "quota"
        assert "Back to the guide" in bench.text(pilot)
        await pilot.press("b")
        await bench.until(pilot, lambda: isinstance(app.screen, WalkScreen) and app.screen.step is not None)
        back = app.screen
        assert isinstance(back, WalkScreen)
        assert back.step is not None
        assert back.step.key == "1.2"
        await pilot.press("escape", "escape")
        await bench.until(pilot, lambda: app.screen is frame)
        assert frame.left_guide is None


async def test_a_command_is_copied_and_written_to_a_private_file(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await walking(bench, pilot, "6", "g")
        await go_to(pilot, screen, "1.1")
        await pilot.press("c", "w")
        await bench.until(pilot, lambda: "Written to a file" in bench.notices(pilot))
        assert app.clipboard.startswith("aws cloudfront get-distribution --id E2QWRUHAPOMQZL")
        file = screen.desk.session.folder / "guide" / "6.1-1.1.sh"
        assert file.read_text().strip() == app.clipboard
        assert file.stat().st_mode & 0o777 == 0o600


async def test_the_steps_are_there_in_the_other_language(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await walking(bench, pilot, "2", "g")
        await pilot.press("v")
        await bench.until(pilot, lambda: "해결 방법 1" in bench.text(pilot))
        assert "원인이 있습니다" in bench.text(pilot)


async def test_an_answer_of_no_is_kept_too(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await walking(bench, pilot, "2", "g")
        screen.action_judge()
        await bench.until(pilot, lambda: isinstance(app.screen, Judge))
        await pilot.press("n")
        await bench.until(pilot, lambda: app.screen is screen)
        assert [one.solved for one in logged(screen, events.EntryJudged)] == [False]


# -- pasting -------------------------------------------------------------------------------------------------------


async def pasting(bench: Bench, pilot: Pilot[Any], text: str) -> PasteScreen:
    await bench.settled(pilot)
    await pilot.press("P")
    await bench.until(pilot, lambda: isinstance(pilot.app.screen, PasteScreen))
    screen = pilot.app.screen
    assert isinstance(screen, PasteScreen)
    await bench.until(pilot, lambda: screen.query_one(PasteBox).has_focus)
    screen.query_one(PasteBox).post_message(keys.Paste(text))
    found = screen.query_one("#paste-found", OptionList)
    await bench.until(pilot, lambda: found.option_count and found.has_focus, "the entries")
    return screen


async def test_a_bracketed_paste_with_colours_is_explained_and_enter_opens_the_entry(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await pasting(bench, pilot, f"one\n\x1b[31m│ {VCPU}\x1b[0m\x1b]52;c;eA==\x07\n")
        assert "\x1b" not in screen.query_one(TextArea).text
        assert "line 2, by “VcpuLimitExceeded”" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(
            pilot,
            lambda: isinstance(app.screen, GuideScreen) and app.screen.entry and app.screen.entry.id == "3.1",
        )
        assert "Matched" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(app.screen, WalkScreen) and app.screen.steps)
        assert isinstance(app.screen, WalkScreen)
        assert "VcpuLimitExceeded" in app.screen.walk.error
        assert "Error" in bench.text(pilot)


async def test_a_large_paste_is_bounded_on_screen_and_looked_at_whole(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        text = f"{VCPU}\n" + "still fine\n" * 30_000
        screen = await pasting(bench, pilot, text)
        shown = screen.query_one(TextArea).text
        assert "30,001 lines pasted, the last 200 shown, all looked at" in shown
        assert shown.count("\n") <= 201
        assert "line 1, by “VcpuLimitExceeded”" in bench.text(pilot)
        assert screen.text == text


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
        await bench.until(pilot, lambda: isinstance(app.screen, WalkScreen) and app.screen.steps)
        screen = app.screen
        assert isinstance(screen, WalkScreen)
        assert "out of paper" in bench.text(pilot)
        await go_to(pilot, screen, "1.3")
        before = len(bench.looks)
        await pilot.press("enter")
        await bench.until(pilot, lambda: len(bench.looks) > before)
        assert bench.looks[-1] == ("cleanup",)
        await go_to(pilot, screen, "1.2") if screen.step and screen.step.key < "1.2" else screen.leave_for(
            "apply"
        )
        await bench.until(pilot, lambda: isinstance(app.screen, RebuildScreen))
        assert guide not in app.screen_stack
        assert app.screen_stack[0].current == "apply"  # type: ignore[attr-defined]


async def test_what_solved_it_in_an_earlier_session_comes_first(bench: Bench) -> None:
    session = Store(bench.state).create(project="other", folder=bench.home, env=bench.env)
    session.append(events.EntryJudged(entry="5.1", solved=True))
    session.end("left")
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        frame = await bench.settled(pilot)
        frame.post_message(GuideWanted(error=f"{VCPU}\nerror: missing required scope 'read:org'"))
        await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
        await bench.until(pilot, lambda: "5.1 Missing Required Scope  ✓1" in bench.text(pilot))
        lines = bench.text(pilot).splitlines()
        first, second = (
            next(i for i, line in enumerate(lines) if line.startswith(f" {one} ")) for one in ("5.1", "3.1")
        )
        assert first < second


# -- every finding leads to its entry ------------------------------------------------------------------------------

CHECKS = Path(__file__).parent.parent / "checks"


def entries_named(step: str) -> set[str]:
    """The entries that a step's sources name."""
    parts = [*CHECKS.glob(f"{step}*.py"), *(CHECKS / step).rglob("*.py")]
    if step in ("github", "apply"):
        parts += CHECKS.glob("commands/*.py")
    return {
        found for path in parts for found in re.findall(r'"([1-9]\.[1-9])"', path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("step", [step.id for step in STEPS])
def test_every_finding_of_a_step_leads_to_an_entry_that_knows_its_cause(step: str) -> None:
    named = entries_named(step)
    assert named, f"nothing of {step} is explained"
    for language in ("ko", "en"):
        library = shipped(language)
        for entry in sorted(named):
            assert library.in_language(entry, language) is not None, f"{step}: {entry}"
            found = finding(f"{step}.any", State.BLOCKED, "in the way", guide=(entry,))
            verdict = judge(library, entry, {step: report(step, found)})
            assert verdict.cause is Cause.PRESENT


async def test_g_leads_from_the_finding_of_each_step_to_its_entry(bench: Bench) -> None:
    leads = {
        "environment": "7.1",
        "quota": "3.1",
        "github": "5.1",
        "cleanup": "2.1",
        "apply": "1.3",
        "cloudfront": "6.1",
        "nodes": "7.2",
    }
    for step, entry in leads.items():
        bench.world[step] = report(step, finding(f"{step}.any", State.BLOCKED, "in the way", guide=(entry,)))
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await bench.settled(pilot)
        for number, entry in enumerate(leads.values(), 1):
            await pilot.press(str(number), "g")
            await bench.until(
                pilot,
                lambda wanted=entry: (
                    isinstance(app.screen, GuideScreen) and app.screen.entry and app.screen.entry.id == wanted
                ),
            )
            assert "The cause is present: in the way" in bench.text(pilot)
            await pilot.press("escape")
            await bench.until(pilot, lambda: isinstance(app.screen, RebuildScreen))
