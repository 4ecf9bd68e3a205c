"""The apply step of the demo, walked by keys in one go, in a real terminal with the real terraform.

The forecast shows what collides; two are adopted, the rest is deleted; the quota is raised; the apply is interrupted; what it
left is looked at; the next one finishes, and every node is there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from fixtures_terminal import Terminal

from ecotui.demo.providers import find_mirror
from ecotui.demo.running import Demo, running

pytestmark = [pytest.mark.real, pytest.mark.world, pytest.mark.timeout(400)]

BLOCKED, OK, WARN = "✗", "✓", "!"


@pytest.fixture
def demo() -> Iterator[Demo]:
    if not shutil.which("terraform") or not find_mirror():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("terraform with the AWS provider is not here")
    with running(speed=20) as made:
        yield made


class Operator:
    """Has the screen and the keys, and nothing else."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.until, self.press = terminal.until, terminal.press

    def step(self, key: str, title: str) -> None:
        """To a step, once it was looked at."""
        self.press(key)
        self.until(rf"[{BLOCKED}{OK}{WARN}] (blocked|ok|warn)\s+{title} ")

    def go_to(self, title: str) -> None:
        """Down the list, and round, until the finding of that title is told of below it."""
        told = re.compile(rf"^.{{28}} {re.escape(title)}$", re.MULTILINE)
        for _ in range(30):
            if told.search(self.terminal.text):
                return
            self.press("down")
        raise AssertionError(f"{title} is not in the list:\n{self.terminal.text}")

    def way(self, title: str) -> None:
        """Tab to the ways out, down to that one, and take it."""
        self.press("tab")
        for _ in range(8):
            if re.search(rf"\bf {re.escape(title)}", self.terminal.text):
                self.press("f")
                return
            self.press("down")
        raise AssertionError(f"{title} is no way out:\n{self.terminal.text}")

    def agree(self) -> None:
        self.until("Enter: go ahead")
        self.press("enter")

    def plan(self, found: str) -> None:
        """Plan, and wait until the step tells what was found."""
        self.go_to("Changes")
        self.way("Plan, and forecast what would go wrong")
        self.until(r"▶ 5 Apply\s+running")
        self.until(rf"5 Apply\s+(blocked|warn)[\s\S]*?{found}", 90)

    def consent(self) -> str:
        """Type what is asked for."""
        asked = self.until(r"[Tt]ype\s+(\S.*?\d+|\S+)\s")
        self.press(*asked.group(1), "enter")
        return asked.group(1)


def test_two_are_adopted_the_rest_is_deleted_and_the_apply_is_interrupted_and_finished(demo: Demo) -> None:
    terminal = Terminal(demo.project, demo.env)
    me = Operator(terminal)
    try:
        walk(me, demo)
    finally:
        terminal.close()


def walk(me: Operator, demo: Demo) -> None:
    me.until("7 Nodes")
    me.step("5", "Apply")
    me.plan("7 names are taken")
    for address, name in (
        ("aws_iam_role.k8s_node", "prod-k8s-node-role"),
        ("aws_s3_bucket.images", "prod-sesacthon-images"),
    ):
        me.go_to(address)
        me.way("Adopt it")
        me.agree()
        me.until(rf"{name} is to be\s")
    me.go_to("Changes")
    me.way("Delete what has the names")
    me.until(r"(blocked|warn)  Cleanup")
    me.until(r"5 of 9 chosen")
    me.press("d")
    assert me.consent() == "eco2-demo 5"
    me.until("Delete 5 leftovers  succeeded", 90)
    me.until("0 of 4 chosen")
    me.step("2", "Quotas")
    me.press("f")
    me.agree()
    me.until("32 allowed, 0 in use")

    me.step("5", "Apply")
    me.plan("2 to import, 44 to create, 2 to update")
    me.go_to("Changes")
    me.press("f")
    assert me.consent() == "apply"
    me.until(r"▶ aws_instance\.node.*create", 90)
    me.press("i")
    me.agree()
    me.until("Apply the reviewed plan  interrupted", 90)
    me.until("half made \\(tainted\\): they will be replaced")
    me.go_to("Changes")
    me.way("See what the last run began")
    me.until("keep what stands, instead of making it again", 60)
    me.go_to("Changes")
    me.way("Keep what is half made")
    me.agree()
    me.until("and yet stands  succeeded", 60)
    me.until(
        r"5 Apply\s+warn[\s\S]*?4 to create, 2 to replace", 90
    )  # the nodes stay; two records are made again
    me.plan("4 to create, 2 to replace")
    me.go_to("Changes")
    me.press("f")
    me.consent()
    me.until("Everything is applied", 120)
    me.press("7")
    me.until("13 of 13 expected instances running")
    me.until("infrastructure: 4 of 4 Ready", 60)
