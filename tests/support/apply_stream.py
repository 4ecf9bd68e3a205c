"""The JSON stream of an apply, fed to what reads it: the progress, the follower of the command line, the apply panel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from checks.apply.durations import DurationStats, parse_resource_type
from checks.apply.plan.model import ChangeAction, Plan, ResourceChange
from checks.apply.run.stream import ApplyProgress, ApplyStreamReader
from checks.context import CheckContext
from config.model import Settings
from ecotui.cli.follow_apply import ApplyOutput
from ecotui.supervisor import Command
from screens.steps.apply import ApplyPanel
from screens.steps.apply_progress import ApplyProgressView
from support.reports import STARTED
from support.tui import Bench

START = 1_764_000_000.0
"""2025-11-24 16:00:00 UTC."""


def event(kind: str, address: str, action: str = "create", second: float = 0.0, **more: Any) -> str:
    stamp = f"2026-11-23T22:37:{second:09.6f}Z"
    hook = {"resource": {"addr": address}, "action": action, **more}
    return json.dumps({"type": kind, "@message": f"{address}: {kind}", "@timestamp": stamp, "hook": hook})


def fed(operations: dict[str, int] | None, *lines: str) -> ApplyProgress:
    progress = ApplyStreamReader(operations)
    progress.feed(lines)
    return progress.snapshot()


def follower(tmp_path: Path, *, progress: bool, at: float = 0.0) -> ApplyOutput:
    names = ("aws_nat_gateway.main", "aws_iam_role.node")
    changes = tuple(
        ResourceChange(address=name, type=parse_resource_type(name), action=ChangeAction.CREATE, actions=("create",))
        for name in names
    )
    plan = Plan(terraform="1.11.4", format="1.2", changes=changes)
    times = DurationStats(addresses={"create aws_nat_gateway.main": (120.0, 3)}, runs=3)
    command = Command(id="c", folder=tmp_path, step="apply", title="", argv=(), started=START)
    where = CheckContext(settings=Settings(), project=tmp_path, env={})
    return ApplyOutput(command, plan, times, where, as_json=progress, clock=lambda: START + at)


async def applying(bench: Bench, pilot: Pilot[Any], *lines: str, at: float = 60.0) -> tuple[ApplyPanel, Command]:
    """An apply runs, and has said these lines; it is `at` seconds old."""
    screen = await bench.settled(pilot)
    await pilot.press("5")
    await pilot.pause()
    panel = screen.query_one("#step-apply", ApplyPanel)
    panel.clock = lambda: STARTED + at
    assert screen.project is not None
    screen.commands.start(
        lambda project: project.start_command("apply", "Apply the reviewed plan", ("ecotui", "apply", "--yes")), "apply"
    )
    command = screen.step_commands["apply"].command
    bench.write_output(command, *lines)
    await bench.until(pilot, lambda: panel.query_one(ApplyProgressView).display, "the run to be drawn")
    await bench.until(pilot, lambda: panel._progress and panel._progress.line_count == len(lines), "all of its lines")
    return panel, command
