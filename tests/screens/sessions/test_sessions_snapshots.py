"""Pictures of the screens of past sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.reports import blocked_reports, rebuilt_reports
from support.sessions import ERROR, ran
from support.tui import Bench
from textual.pilot import Pilot

from ecotui.session import events
from ecotui.session.store import SessionStore
from screens.sessions.output import OutputScreen
from screens.sessions.replay import ReplayScreen

Compare = Callable[..., bool]


SIZES = pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])


FOLDER = Path("/srv/eco2")
"""The project of what is drawn: the same on every machine."""


def _past(bench: Bench) -> None:
    stuck = bench.past_session(blocked_reports(), folder=FOLDER)
    stuck.append(events.FindingOverridden(finding="quota.L-1216C47A", reason="전화로 승인을 받음"))
    ran(stuck, "Creating…", *(f"line {number}" for number in range(60)), ERROR, code=1)
    stuck.append(events.TagChanged(tag="인수인계"))
    stuck.append(events.NoteAdded(text="쿼터 승인을 기다리는 중"))
    stuck.end("left")
    stuck.close()
    fine = bench.past_session(rebuilt_reports(), folder=FOLDER)
    ran(fine, "all is well", seconds=30)
    fine.end("done")
    fine.close()


def shown(bench: Bench, *keys: str, holds: Callable[[Any], object] = bool) -> Callable[[Pilot[Any]], Any]:
    ready = bench.ready("s")

    async def prepare(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await bench.until(pilot, lambda: pilot.app.screen.selected_summary is not None)  # type: ignore[attr-defined]
        for key in keys:
            before = pilot.app.screen
            await pilot.press(key)
            await pilot.pause()
            if key == "enter" and pilot.app.screen is not before:
                await bench.until(pilot, lambda: getattr(pilot.app.screen, "timeline", True))
        await bench.until(pilot, lambda: holds(pilot.app.screen))
        await pilot.pause(0.3)
        pilot.app.clear_notifications()
        await pilot.pause()

    return prepare


@SIZES
def test_sessions_snapshot(snap_compare: Compare, bench: Bench, frozen_log: None, size: tuple[int, int]) -> None:
    _past(bench)
    assert snap_compare(bench.app(), terminal_size=size, run_before=shown(bench, "down", "c", "down"))


@SIZES
def test_review_snapshot(snap_compare: Compare, bench: Bench, frozen_log: None, size: tuple[int, int]) -> None:
    _past(bench)
    keys = ("down", "down", "enter", "up", "up", "up")
    assert snap_compare(
        bench.app(), terminal_size=size, run_before=shown(bench, *keys, holds=lambda screen: screen._guide_matches)
    )


@SIZES
def test_compare_snapshot(snap_compare: Compare, bench: Bench, frozen_log: None, size: tuple[int, int]) -> None:
    _past(bench)
    keys = ("down", "c", "down", "c")
    assert snap_compare(
        bench.app(), terminal_size=size, run_before=shown(bench, *keys, holds=lambda screen: screen.comparison)
    )


def test_durations_snapshot(snap_compare: Compare, bench: Bench, frozen_log: None) -> None:
    _past(bench)
    assert snap_compare(
        bench.app(),
        terminal_size=(120, 36),
        run_before=shown(bench, "down", "d", holds=lambda screen: screen.step_times),
    )


@SIZES
def test_replay_snapshot(snap_compare: Compare, bench: Bench, frozen_log: None, size: tuple[int, int]) -> None:
    _past(bench)

    async def prepare(pilot: Pilot[Any]) -> None:
        await bench.settled(pilot)
        shelf = SessionStore(bench.state)
        stuck = shelf.open(shelf.session_ids()[-1])
        screen = ReplayScreen(stuck, clock=lambda: 0.0)
        pilot.app.push_screen(screen)
        await bench.until(pilot, lambda: screen.recording is not None)
        await pilot.press("space", "5", "right")
        await pilot.pause(0.3)
        pilot.app.clear_notifications()
        await pilot.pause()

    assert snap_compare(bench.app(), terminal_size=size, run_before=prepare)


def test_output_snapshot(snap_compare: Compare, bench: Bench, frozen_log: None) -> None:
    _past(bench)
    keys = ("down", "down", "enter", "up", "up", "up", "enter")
    assert snap_compare(
        bench.app(ECOTUI_THEME="light"),
        terminal_size=(120, 36),
        run_before=shown(bench, *keys, holds=lambda screen: isinstance(screen, OutputScreen)),
    )
