"""The frame of the TUI: steps, findings, and what is shown of them."""

from __future__ import annotations

from fixtures_tui import Bench
from textual.widgets import OptionList, Static

from checks.finding import State
from checks.steps import STEPS
from ecotui.looking import LookFailed
from screens.widgets.steplist import StepList


def shown(screen, selector: str) -> str:
    return screen.query_one(selector, Static).visual.plain if False else str(screen.query_one(selector, Static).render())


async def test_number_keys_switch_steps(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        for number, step in enumerate(STEPS, start=1):
            await pilot.press(str(number))
            await pilot.pause()
            assert screen.current == step.id
            assert screen.panel.display
            assert screen.query_one("#panels").current == f"step-{step.id}"
