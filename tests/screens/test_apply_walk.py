"""The apply step of the demo, walked by keys in one go, with the real terraform.

The forecast shows what collides; two are adopted, the rest is deleted; the quota is raised; the apply is interrupted, what it
left is looked at and kept where it stands; the next one finishes, and every node is there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from checks.apply.forecast import import_blocks
from checks.finding import CheckState, Finding
from ecotui.app import EcotuiApp
from ecotui.demo.process import Demo, run_demo
from ecotui.demo.provider_mirror import find_mirror
from screens.dialogs import ConfirmDialog, TypedConfirmDialog
from screens.main.screen import MainScreen
from screens.steps.apply_progress import ApplyProgressView
from screens.steps.cleanup import CleanupPanel as CleanupPanel
from screens.steps.panel import StepPanel
from screens.widgets.log_drawer import LogDrawer

pytestmark = [pytest.mark.walk, pytest.mark.real, pytest.mark.world, pytest.mark.timeout(400)]

LIMIT = 90.0
"""Seconds for one wait: a machine that is busy plans for a minute."""


@pytest.fixture
def demo() -> Iterator[Demo]:
    if not shutil.which("terraform") or not find_mirror():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("terraform with the AWS provider is not here")
    with run_demo(speed=20) as made:
        yield made


class Operator:
    """Sees the panel of the chosen step, and has nothing but keys."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self.pilot = pilot

    @property
    def screen(self) -> MainScreen:
        screen = self.pilot.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def panel(self) -> StepPanel:
        return self.screen.current_panel

    @property
    def findings(self) -> dict[str, Finding]:
        return {one.id: one for one in self.panel.report.findings} if self.panel.report else {}

    async def until(self, holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + LIMIT
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            await asyncio.sleep(0.1)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def ended(self, what: str) -> None:
        """The command of this step is over, and the look after it was made."""
        screen = self.screen
        assert screen.project is not None
        desk, step = screen.project, screen.current_step
        await self.until(
            lambda: step not in desk.rebuild.running_commands and step not in desk.rebuild.active_checks, what
        )

    async def go_to(self, finding: str) -> None:
        """Up and down until the cursor is on that finding."""
        self.panel.focus_findings()
        await self.press("home")
        for _ in range(len(self.findings)):
            if self.panel.selected_finding and self.panel.selected_finding.id == finding:
                return
            await self.press("down")
        raise AssertionError(f"{finding} is not in the list: {list(self.findings)}")

    async def way(self, fix: str) -> None:
        """Tab to the ways out of the finding, down to that one, and take it."""
        await self.press("tab", "home")
        for _ in range(10):
            if self.panel.selected_fix and self.panel.selected_fix.id == fix:
                await self.press("f")
                return
            await self.press("down")
        raise AssertionError(f"{fix} is no way out of this")

    async def consent(self) -> str:
        """Type what is asked for."""
        await self.until(lambda: isinstance(self.pilot.app.screen, TypedConfirmDialog), "the question")
        asked = self.pilot.app.screen
        assert isinstance(asked, TypedConfirmDialog)
        await self.press(*(("space" if letter == " " else letter) for letter in asked.expected))
        assert asked.query_one(Input).value == asked.expected
        await self.press("enter")
        return asked.expected

    async def agree(self) -> None:
        await self.until(lambda: isinstance(self.pilot.app.screen, ConfirmDialog), "the question")
        await self.press("enter")

    async def step(self, key: str, step: str) -> None:
        await self.press(key)
        await self.until(lambda: self.screen.current_step == step and self.screen.query(f"#step-{step}"), step)
        await self.until(lambda: self.panel.report, f"the report of {step}")

    async def plan(self) -> None:
        await self.go_to("apply.changes")
        await self.way("apply.plan")
        await self.ended("the plan")

    def said(self) -> str:
        return "\n".join(self.screen.query_one(LogDrawer).log_widget.lines)


ROLE, BUCKET = "aws_iam_role.k8s_node", "aws_s3_bucket.images"
TAKEN = {
    "aws_cloudfront_distribution.images",
    "aws_iam_instance_profile.k8s_node",
    "aws_iam_policy.alb_controller",
    "aws_iam_policy.s3_presigned_url",
    "aws_key_pair.k8s",
    ROLE,
    BUCKET,
}


async def test_two_are_adopted_the_rest_is_deleted_and_the_apply_is_interrupted_and_finished(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", demo.env["HOME"])
    app = EcotuiApp(argparse.Namespace(project=str(demo.project), config=None, set=[]), demo.env)
    app.animation_level = "none"
    async with app.run_test(size=(80, 24)) as pilot:
        me = Operator(pilot)
        await me.until(lambda: me.screen.project and not me.screen.project.rebuild.active_checks, "the first looks")
        await forecast_and_clear(me, demo)
        await raise_the_quota(me)
        await apply_interrupted(me)
        await recover_and_finish(me)


async def forecast_and_clear(me: Operator, demo: Demo) -> None:
    await me.step("5", "apply")
    await me.plan()
    taken = {id_.partition(":")[2] for id_ in me.findings if id_.startswith("apply.collision:")}
    assert taken == TAKEN
    assert "10 too few" in me.findings["apply.quota:L-1216C47A"].summary
    # The findings tell all that the plan said: its log gives them the room, and the cursor is on the first.
    assert not me.screen.query_one(LogDrawer).has_class("-open")
    assert me.panel.selected_finding
    assert me.panel.selected_finding.state is CheckState.BLOCKED

    for address in (ROLE, BUCKET):
        await me.go_to(f"apply.collision:{address}")
        await me.way("apply.adopt")
        await me.agree()
        await me.ended("the adoption")
        assert "import {" in me.said()
        assert "is to be imported" in me.findings[f"apply.collision:{address}"].summary
    assert import_blocks.read_imported_addresses(demo.project / "terraform") == {ROLE, BUCKET}

    await me.go_to("apply.changes")
    await me.way("apply.cleanup")
    await me.until(lambda: me.screen.current_step == "cleanup", "the cleanup step")
    await me.ended("the look at the leftovers")
    panel = me.panel
    assert isinstance(panel, CleanupPanel)
    marked = {one.name for one in panel.detail.resources if one.key in panel.selected_keys}
    assert len(marked) == len(TAKEN) - 2
    assert not marked & {"prod-k8s-node-role", "prod-sesacthon-images"}
    await me.press("d")
    assert await me.consent() == "eco2-demo 5"
    await me.ended("the deletion")
    left = {one.name for one in panel.detail.resources}
    assert not marked & left
    # What is adopted stays, whatever else is chosen.
    assert {"prod-k8s-node-role", "prod-sesacthon-images"} <= left


async def raise_the_quota(me: Operator) -> None:
    await me.step("2", "quota")
    await me.go_to("quota.vcpu")
    await me.press("f")
    await me.agree()
    await me.ended("the request")
    for _ in range(20):  # AWS answers when it likes; r looks again
        if me.findings["quota.vcpu"].state is CheckState.OK:
            return
        await me.press("r")
        await me.ended("the look at the quota")
    raise AssertionError(me.findings["quota.vcpu"].summary)


async def apply_interrupted(me: Operator) -> None:
    await me.step("5", "apply")
    await me.plan()
    assert not [id_ for id_ in me.findings if id_.startswith(("apply.collision:", "apply.quota:"))]
    assert "2 to import, 44 to create" in me.findings["apply.changes"].summary
    await me.go_to("apply.changes")
    await me.press("f")
    assert await me.consent() == "apply"
    live = me.panel.query_one(ApplyProgressView)
    await me.until(lambda: any("aws_instance." in one.address for one in live._rows), "an instance")
    assert live.display
    await me.press("i")
    await me.agree()
    await me.ended("the interrupted apply")
    assert "nterrupted at" in me.said()
    left = me.findings["apply.changes"]
    assert left.state is CheckState.WARN
    assert "Not everything is applied" in left.summary


async def recover_and_finish(me: Operator) -> None:
    """The nodes that were only no longer waited for stay; the rest is made."""
    await me.go_to("apply.changes")
    await me.way("apply.unfinished")
    await me.ended("what was left")
    assert "untaint what is complete, so that it is not replaced" in me.said()
    await me.go_to("apply.changes")
    await me.way("apply.keep")
    await me.agree()
    await me.ended("the keeping")
    assert 'Untainted aws_instance.node["k8s-master"]' in me.said()

    await me.plan()
    assert me.panel.selected_finding
    assert "4 to create, 2 to replace" in me.findings["apply.changes"].summary  # two records, and no node
    await me.go_to("apply.changes")
    await me.way("apply.apply")
    await me.consent()
    await me.ended("the apply")
    assert me.findings["apply.changes"].state is CheckState.OK, me.said()
    await me.step("7", "nodes")
    await me.until(lambda: me.panel.report and me.panel.report.state is CheckState.OK, "13 Ready nodes")
