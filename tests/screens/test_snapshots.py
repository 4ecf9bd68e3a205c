"""How it looks. What it means is asserted elsewhere; after a change that is meant: `pytest --snapshot-update`.

The tests are synchronous: `snap_compare` runs the app in a loop of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.reports import rebuilt_reports
from support.tui import Bench

from checks.steps import STEPS

Compare = Callable[..., bool]

WIDE, NARROW = (120, 36), (80, 24)
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x36", "80x24"])

pytestmark = pytest.mark.usefixtures("frozen_log")


@SIZES
@pytest.mark.parametrize("step", [step.id for step in STEPS])
def test_blocked_step_snapshot(snap_compare: Compare, bench: Bench, step: str, size: tuple[int, int]) -> None:
    key = str([one.id for one in STEPS].index(step) + 1)
    assert snap_compare(bench.app(), terminal_size=size, run_before=bench.ready(key))


@SIZES
@pytest.mark.parametrize(("step", "key"), [("apply", "5"), ("nodes", "7")], ids=["apply", "nodes"])
def test_rebuilt_step_snapshot(snap_compare: Compare, bench: Bench, step: str, key: str, size: tuple[int, int]) -> None:
    bench.reports = dict(rebuilt_reports())
    assert snap_compare(bench.app(), terminal_size=size, run_before=bench.ready(key))


@SIZES
def test_typed_consent_to_a_deletion_snapshot(snap_compare: Compare, bench: Bench, size: tuple[int, int]) -> None:
    assert snap_compare(bench.app(), terminal_size=size, run_before=bench.ready("4", "d"))


def test_confirmation_snapshot(snap_compare: Compare, bench: Bench) -> None:
    assert snap_compare(bench.app(), terminal_size=WIDE, run_before=bench.ready("2", "f"))


def test_masked_variable_snapshot(snap_compare: Compare, bench: Bench) -> None:
    assert snap_compare(bench.app(), terminal_size=NARROW, run_before=bench.ready("1", "f", "a", "b", "c"))


def test_help_snapshot(snap_compare: Compare, bench: Bench) -> None:
    assert snap_compare(bench.app(), terminal_size=WIDE, run_before=bench.ready("question_mark"))


@SIZES
def test_guide_snapshot(snap_compare: Compare, bench: Bench, size: tuple[int, int]) -> None:
    assert snap_compare(bench.app(), terminal_size=size, run_before=bench.ready("2", "g"))


def test_korean_guide_snapshot(snap_compare: Compare, bench: Bench) -> None:
    bench.env["ECOTUI_GUIDE_LANGUAGE"] = "ko"
    assert snap_compare(bench.app(), terminal_size=WIDE, run_before=bench.ready("4", "g"))


def test_light_theme_snapshot(snap_compare: Compare, bench: Bench) -> None:
    assert snap_compare(bench.app(ECOTUI_THEME="light"), terminal_size=WIDE, run_before=bench.ready("2"))


def test_ansi_theme_snapshot(snap_compare: Compare, bench: Bench) -> None:
    assert snap_compare(bench.app(ECOTUI_THEME="ansi"), terminal_size=WIDE, run_before=bench.ready("2"))


def test_smallest_terminal_snapshot(snap_compare: Compare, bench: Bench) -> None:
    assert snap_compare(bench.app(), terminal_size=(40, 10), run_before=bench.ready("2"))
