"""The drawing of a runbook and the paste screen, in a wide terminal and in a small one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.tui import Bench
from textual.events import Paste
from textual.pilot import Pilot

from screens.guide.paste import PasteBox, PasteScreen
from screens.guide.runbook import RunbookScreen

Compare = Callable[..., bool]

SIZES = pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])
ERRORS = """\
│ Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit
error validating token: missing required scope 'read:org'
"""

pytestmark = pytest.mark.usefixtures("frozen_log")


def runbook_opened(bench: Bench, *keys: str) -> Callable[[Pilot[Any]], Any]:
    ready = bench.ready(*keys)

    async def prepare(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, RunbookScreen) and pilot.app.screen.steps)
        await pilot.pause(0.3)

    return prepare


@SIZES
def test_runbook_snapshot(snap_compare: Compare, bench: Bench, size: tuple[int, int]) -> None:
    assert snap_compare(bench.app(), terminal_size=size, run_before=runbook_opened(bench, "2", "g", "enter"))


def test_korean_runbook_snapshot(snap_compare: Compare, bench: Bench) -> None:
    bench.env["ECOTUI_GUIDE_LANGUAGE"] = "ko"
    assert snap_compare(
        bench.app(), terminal_size=(80, 24), run_before=runbook_opened(bench, "6", "g", "enter", "down")
    )


@SIZES
def test_paste_snapshot(snap_compare: Compare, bench: Bench, size: tuple[int, int]) -> None:
    ready = bench.ready("P")

    async def prepare(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, PasteScreen))
        screen = pilot.app.screen
        screen.query_one(PasteBox).post_message(Paste(ERRORS))
        found = screen.query_one("#paste-matches")
        await bench.until(pilot, lambda: found.has_focus)
        await pilot.pause()

    assert snap_compare(bench.app(), terminal_size=size, run_before=prepare)
