"""The apply step walked by keys alone, with the real terraform: from names that are taken, through an interrupt, to the end."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable

import pytest
from fixtures_terraform import Place, client, emptied, leave_four
from textual.pilot import Pilot
from textual.widgets import Input

from checks.apply import adoption
from checks.finding import Finding, State
from ecotui.app import EcotuiApp
from screens.apply_live import LiveApply
from screens.cleanup import Panel as CleanupPanel
from screens.dialogs import Confirm, Typed
from screens.rebuild import RebuildScreen
from screens.step import StepPanel
from screens.widgets.drawer import Drawer

# With the other tests of that project: the account, and `terraform init`, are shared.
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("apply"), pytest.mark.timeout(900)]

LIMIT = 90.0
"""Seconds for one wait: a machine that is busy plans for a minute."""


class Operator:
    """Sees the panel of the chosen step, and has nothing but keys."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self.pilot = pilot

    @property
    def screen(self) -> RebuildScreen:
        screen = self.pilot.app.screen_stack[0]
        assert isinstance(screen, RebuildScreen)
        return screen

    @property
    def panel(self) -> StepPanel:
        return self.screen.panel

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
        assert screen.desk is not None
        desk, step = screen.desk, screen.current
        await self.until(lambda: step not in desk.rebuild.running and step not in desk.rebuild.looking, what)

    async def go_to(self, finding: str) -> None:
        """Up and down until the cursor is on that finding."""
        self.panel.take_focus()
        await self.press("home")
        for _ in range(len(self.findings)):
            if self.panel.finding and self.panel.finding.id == finding:
                return
            await self.press("down")
        raise AssertionError(f"{finding} is not in the list: {list(self.findings)}")

    async def way(self, fix: str) -> None:
        """Tab to the ways out of the finding, down to that one, and take it."""
        await self.press("tab", "home")
        for _ in range(10):
            if self.panel.fix and self.panel.fix.id == fix:
                await self.press("f")
                return
            await self.press("down")
        raise AssertionError(f"{fix} is no way out of this")

    async def consent(self) -> None:
        """Type what is asked for."""
        await self.until(lambda: isinstance(self.pilot.app.screen, Typed), "the question")
        asked = self.pilot.app.screen
        assert isinstance(asked, Typed)
        await self.press(*(("space" if letter == " " else letter) for letter in asked.expected))
        assert asked.query_one(Input).value == asked.expected
        await self.press("enter")

    async def agree(self) -> None:
        await self.until(lambda: isinstance(self.pilot.app.screen, Confirm), "the question")
        await self.press("enter")

    async def step(self, key: str, step: str) -> None:
        await self.press(key)
        await self.until(lambda: self.screen.current == step and self.screen.query(f"#step-{step}"), step)
        await self.until(lambda: self.panel.report, f"the report of {step}")

    async def plan(self) -> None:
        await self.go_to("apply.changes")
        await self.way("apply.plan")
        await self.ended("the plan")

    def said(self) -> str:
        return "\n".join(self.screen.query_one(Drawer).log_widget.lines)


async def test_from_collisions_through_an_interrupt_to_the_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adopt two, delete the rest, apply, interrupt, see what was left, finish."""
    emptied(place)
    leave_four(place)
    env = {**place.env, "TF_VAR_instances": "1", "ECOTUI_STATE_DIR": str(place.folder / "keys")}
    monkeypatch.setenv("HOME", env["HOME"])
    if not (place.folder / "terraform" / ".terraform").exists():
        assert place.ecotui("plan", "--init-only").returncode == 0
    app = EcotuiApp(argparse.Namespace(project=str(place.folder), config=None, set=[]), env)
    app.animation_level = "none"
    async with app.run_test(size=(80, 24)) as pilot:
        me = Operator(pilot)
        await me.until(lambda: me.screen.desk and not me.screen.desk.rebuild.looking, "the first looks")
        await me.step("5", "apply")
        await me.plan()
        taken = {id_.partition(":")[2] for id_ in me.findings if id_.startswith("apply.collision:")}
        assert taken == {
            "aws_iam_policy.controller",
            'aws_iam_role.node["master"]',
            "aws_key_pair.this",
            "aws_s3_bucket.images",
        }
        # The findings tell all that the plan said: its log gives them the room, and the cursor is on the first.
        assert not me.screen.query_one(Drawer).has_class("-open")
        assert me.panel.finding
        assert me.panel.finding.state is State.BLOCKED

        for address in ('aws_iam_role.node["master"]', "aws_s3_bucket.images"):
            await me.go_to(f"apply.collision:{address}")
            await me.way("apply.adopt")
            await me.agree()
            await me.ended("the adoption")
            assert "import {" in me.said()
            assert "is to be adopted" in me.findings[f"apply.collision:{address}"].summary
        assert adoption.written(place.folder / "terraform") == {
            'aws_iam_role.node["master"]',
            "aws_s3_bucket.images",
        }

        await me.go_to("apply.changes")
        await me.way("apply.cleanup")
        await me.until(lambda: me.screen.current == "cleanup", "the cleanup step")
        await me.ended("the look at the leftovers")
        panel = me.panel
        assert isinstance(panel, CleanupPanel)
        marked = {one.name for one in panel.detail.resources if one.key in panel.chosen}
        assert marked == {"k8s-cluster-key", "prod-alb-controller-policy"}
        await me.press("d")
        await me.consent()
        await me.ended("the deletion")
        assert client(place, "ec2").describe_key_pairs()["KeyPairs"] == []
        assert client(place, "iam").list_policies(Scope="Local")["Policies"] == []
        # What is adopted stays, whatever else is chosen.
        assert client(place, "s3").list_buckets()["Buckets"]

        await me.step("5", "apply")
        await me.plan()
        assert not [id_ for id_ in me.findings if id_.startswith("apply.collision:")]
        assert "2 to import" in me.findings["apply.changes"].summary
        await me.go_to("apply.changes")
        await me.press("f")
        await me.consent()
        live = me.panel.query_one(LiveApply)
        await me.until(lambda: client(place, "ec2").describe_instances()["Reservations"], "an instance")
        assert live.display
        await me.until(lambda: live.chosen is not None, "a running row with the cursor")
        await asyncio.sleep(1)  # the provider notes what it was answered
        await me.press("i")
        await me.agree()
        await me.ended("the interrupted apply")
        assert "Interrupted" in me.said() or "interrupted" in me.said()
        left = me.findings["apply.changes"]
        assert left.state is State.WARN
        assert "Not everything is applied" in left.summary

        await me.go_to("apply.changes")
        await me.way("apply.unfinished")
        await me.ended("what was left")
        assert "The last apply made" in me.said()

        await me.plan()
        await me.go_to("apply.changes")
        await me.press("f")
        if isinstance(pilot.app.screen, Typed):
            await me.consent()
        await me.ended("the apply")
        assert me.findings["apply.changes"].state is State.OK, me.said()
        held = json.loads(place.state.read_text())["resources"]
        assert sum(len(one["instances"]) for one in held if one["type"] == "aws_instance") == 1
        await me.step("7", "nodes")
