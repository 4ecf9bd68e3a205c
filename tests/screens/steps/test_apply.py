"""The apply panel while it applies: rows, usual times, the cursor, errors with the guide, and asking why."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from support.apply_stream import applying
from support.reports import STARTED
from support.tui import Bench
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from checks.apply.run.progress import RemainingTimeEstimate
from checks.apply.run.stream import ApplyStreamReader
from checks.finding import CheckState, Fact, Finding, Report
from checks.tools.terraform_errors import Diagnostic
from ecotui.supervisor import Command
from screens.main.screen import MainScreen
from screens.messages import CommandOutputReceived
from screens.steps.apply import ApplyPanel
from screens.steps.apply_progress import ApplyProgressView
from screens.steps.apply_progress import render_apply_errors as drawn_errors
from screens.steps.resource_status import ResourceStatusDialog

Compare = Callable[..., bool]
MASTER = 'module.cluster.aws_instance.node["k8s-master"]'


def line(kind: str, address: str, second: float, action: str = "create", **more: Any) -> str:
    stamp = datetime.fromtimestamp(STARTED + second, UTC).isoformat().replace("+00:00", "Z")
    hook = {"resource": {"addr": address}, "action": action, **more}
    return json.dumps({"type": kind, "@message": f"{address}: {kind}", "@timestamp": stamp, "hook": hook})


def planned(*addresses: str) -> list[str]:
    """Without a reviewed plan on the disk, the stream's own words give the total."""
    return [
        json.dumps({"type": "planned_change", "change": {"resource": {"addr": one}, "action": "create"}})
        for one in addresses
    ]


USUAL = json.dumps(
    {
        "type": "ecotui",
        "@message": "Usual times: from 3 earlier applies",
        "usual": {"addresses": {"create aws_nat_gateway.main": [110.0, 3]}, "runs": 3},
    }
)
ERROR = json.dumps(
    {
        "type": "diagnostic",
        "@message": "Error: EntityAlreadyExists",
        "diagnostic": {
            "severity": "error",
            "summary": "creating IAM Role (k8s-node): EntityAlreadyExists: Role with name k8s-node already exists.",
            "address": "aws_iam_role.node",
            "range": {"filename": "iam.tf", "start": {"line": 12}},
        },
    }
)
EXPLAINED = json.dumps(
    {
        "type": "ecotui",
        "@message": "The guide explains: 2.1",
        "explained": [{"entry": "2.1", "title": "EntityAlreadyExists", "error": 0}],
    }
)
RUN = [
    USUAL,
    *planned("aws_vpc.main", "aws_nat_gateway.main", MASTER, "aws_iam_role.node", "aws_lb.api"),
    line("apply_start", "aws_vpc.main", 0),
    line("apply_start", "aws_iam_role.node", 0),
    line("apply_errored", "aws_iam_role.node", 1, elapsed_seconds=1),
    line("apply_complete", "aws_vpc.main", 12, elapsed_seconds=12, id_value="vpc-1"),
    line("apply_start", "aws_nat_gateway.main", 12),
    line("apply_start", MASTER, 13),
    line("provision_progress", MASTER, 42, output="[/x] kubeadm init: \x1b[31mpulling images"),
]


async def test_what_runs_stands_on_top_with_its_time_against_what_is_usual(bench: Bench, pilot: Pilot[int]) -> None:
    panel, _ = await applying(bench, pilot, *RUN)
    said = bench.text(pilot)
    assert "1 of 5" in said
    assert "✗ 1 failed" in said
    assert "aws_nat_gateway.main" in said
    assert "48 s of about 2 min (3×)" in said
    assert "of about 25 s (estimate)" in said
    assert "kubeadm init: pulling images" in said
    assert "terraform says why at the end" in said
    assert not panel.query_one(".findings").display
    assert panel.query_one(".apply-operations", OptionList).has_focus


async def test_the_cursor_stays_on_its_resource_when_rows_come_and_go(bench: Bench, pilot: Pilot[int]) -> None:
    panel, command = await applying(bench, pilot, *RUN)
    await pilot.press("down")
    live = panel.query_one(ApplyProgressView)
    assert live.selected_row is not None
    assert live.selected_row.address == MASTER
    bench.write_output(command, line("apply_complete", "aws_nat_gateway.main", 61, elapsed_seconds=49))
    await bench.until(pilot, lambda: len(live._rows) == 1)
    assert live.selected_row.address == MASTER


@pytest.mark.parametrize("pilot", [(120, 50)], indirect=True)
async def test_an_error_comes_with_its_place_and_the_guide_s_word_and_the_end_with_outputs(
    bench: Bench, pilot: Pilot[int]
) -> None:
    panel, command = await applying(bench, pilot, *RUN)
    outputs = json.dumps({"type": "outputs", "outputs": {"master_ip": {"value": "[/not markup]", "type": "string"}}})
    bench.write_output(command, ERROR, EXPLAINED, outputs)
    await bench.until(pilot, lambda: "guide 2.1: EntityAlreadyExists" in bench.text(pilot))
    assert "iam.tf:12" in bench.text(pilot)
    assert "terraform says why at the end" not in bench.text(pilot)
    bench.end_command(command, 1)
    await bench.until(pilot, lambda: not panel.query_one(ApplyProgressView).display, "the end")
    await bench.settled(pilot)
    assert panel.query_one(".findings").display
    assert "[/not markup]" in bench.text(pilot)


async def test_whoever_comes_late_to_a_run_counts_from_its_beginning(bench: Bench) -> None:
    many = [
        line("apply_complete", f"aws_iam_role.r[{number}]", number / 100, elapsed_seconds=0) for number in range(2_000)
    ]
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        panel, _ = await applying(bench, pilot, *many, *RUN)
        assert panel._progress is not None
        assert panel._progress.snapshot().done_count == 2_001


async def test_the_clock_goes_on_while_terraform_says_nothing(bench: Bench, pilot: Pilot[int]) -> None:
    panel, _ = await applying(bench, pilot, *RUN)
    panel.clock = lambda: STARTED + 400
    await bench.until(pilot, lambda: "6:28 of about 2 min (3×)  late" in bench.text(pilot))
    assert "w asks AWS why" in bench.text(pilot)


async def test_asking_why_runs_a_child_and_shows_what_aws_has(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []
    found = Finding(
        id="apply.why",
        step="apply",
        state=CheckState.BLOCKED,
        title=MASTER,
        summary="i-1 is terminated: [/red] no capacity.",
        facts=(Fact(label="state", value="terminated"),),
        denied=("ec2:DescribeInstanceStatus",),
        guide=("6.1",),
    )

    async def looks(steps: Sequence[str], *, argv: Sequence[str], **_: object) -> AsyncIterator[Report]:
        asked.append(argv)
        yield Report(step="apply", findings=(found,), started=STARTED, seconds=0.1, detail=None)

    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await applying(bench, pilot, *RUN)
        monkeypatch.setattr("ecotui.check_runner.run_checks", looks)
        await pilot.press("down", "w")
        await bench.until(
            pilot, lambda: isinstance(app.screen, ResourceStatusDialog) and "no capacity" in bench.text(pilot)
        )
        assert list(asked[0][:6]) == [sys.executable, "-P", "-m", "ecotui", "why", MASTER]
        said = bench.text(pilot)
        assert "[/red] no capacity" in said
        assert "Not allowed: ec2:DescribeInstanceStatus" in said
        await pilot.press("r")
        await bench.until(pilot, lambda: len(asked) == 2)
        await pilot.press("w")
        await pilot.pause()
        assert not isinstance(app.screen, ResourceStatusDialog)


@pytest.mark.usefixtures("frozen_log")
@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])
def test_a_running_apply_snapshot(snap_compare: Compare, bench: Bench, size: tuple[int, int]) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        await applying(bench, pilot, *RUN, at=300.0)
        await pilot.press("l")
        pilot.app.clear_notifications()
        await pilot.pause()

    assert snap_compare(bench.app(), terminal_size=size, run_before=prepare)


async def test_the_stages_of_the_team_s_script_are_drawn_with_their_times(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("5")
    await pilot.pause()
    panel = screen.query_one("#step-apply", ApplyPanel)
    panel.clock = lambda: STARTED
    screen.commands.start(
        lambda desk: desk.start_command("apply", "The team's script", ("ecotui", "script", "--run", "--yes")),
        "apply",
    )
    command = screen.step_commands["apply"].command
    bench.write_output(command, "[stage 1, after 0 s] 1단계: 정리", "1단계: 정리", "[/not markup]")
    await bench.until(pilot, lambda: "▶" in own(panel), "the first stage")
    panel.clock = lambda: STARTED + 95
    bench.write_output(command, "[stage 2, after 1 min 35 s] 2단계: 적용", "2단계: 적용")
    await bench.until(pilot, lambda: "2단계" in own(panel), "the second one")
    first, second = own(panel).splitlines()
    assert first.startswith("✓")
    assert first.endswith("1단계: 정리")
    assert "1:35" in first
    assert second.startswith("▶")
    bench.end_command(command, 0)
    await bench.until(pilot, lambda: "▶" not in own(panel), "the end")
    assert "2단계: 적용" in own(panel)


def own(panel: ApplyPanel) -> str:
    shown = panel.query_one(".detail", Static)
    return str(shown.content) if shown.display else ""


def said_of(*summaries: str) -> list[str]:
    errors = tuple(Diagnostic(severity="error", summary=one) for one in summaries)
    progress = msgspec.structs.replace(ApplyStreamReader({}).snapshot(), errors=errors)
    return [line.plain for line in drawn_errors(progress, 80)]


def test_an_error_of_a_page_is_clipped_and_an_interrupt_is_no_error() -> None:
    page = "Unrecognized remote plugin message:\n" + "\n".join(f"Path {n}" for n in range(20))
    lines = "\n".join(said_of("execution halted", page)).splitlines()
    assert lines[0].startswith("! terraform was asked to stop; operations that it did not")
    assert "✗ Unrecognized remote plugin message:" in lines
    assert lines[-1].strip() == "… (l opens the log)"
    assert len(lines) <= 8
    assert said_of("execution halted") == ["! terraform was asked to stop"]
    waited = "waiting for EC2 Instance (i-1) create: context canceled"
    (line,) = said_of("execution halted", waited)
    assert "it no longer waited for 1" in line
    # Nobody interrupted: then it is an error.
    assert said_of(waited)[0].startswith("✗ waiting for EC2 Instance")


@pytest.mark.parametrize("pilot", [(80, 24)], indirect=True)
async def test_what_takes_a_page_to_say_is_one_line_above_the_panel(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("5")
    await bench.until(pilot, lambda: screen.query("#step-apply"))
    panel = screen.current_panel
    panel.show_output(
        CommandOutputReceived(
            Command("1", bench.project, "apply", "Apply", ("ecotui", "plan"), STARTED),
            ("Error: it fell\n\nover\nand over",),
        )
    )
    assert panel._last_output_line == "Error: it fell"


async def test_before_anything_is_begun_it_is_said_what_terraform_does(bench: Bench) -> None:
    async with bench.app().run_test(size=(80, 24)) as pilot:
        await bench.settled(pilot)
        await pilot.app.screen.mount(live := ApplyProgressView())
        begun = msgspec.structs.replace(ApplyStreamReader({}).snapshot(), total_count=46, started_at=STARTED)
        live.show(begun, RemainingTimeEstimate((), {}), STARTED + 9, 76)
        head = str(live.query_one(".apply-header", Static).visual)
        assert "0 of 46" in head
        assert "nothing started yet" in head
