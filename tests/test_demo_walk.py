"""The apply step of the demo, walked by keys in one go, in a real terminal with the real terraform.

The forecast shows what collides; two are adopted, the rest is deleted; the quota is raised; the apply is interrupted; what it
left is looked at; the next one finishes, and every node is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator

import boto3
import pytest
from fixtures_terminal import Terminal

from ecotui.demo import leftovers
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
        """Down the list until the finding of that title is told of below it."""
        self.press("home")
        told = re.compile(rf"^.{{28}} {re.escape(title)}$", re.MULTILINE)
        for _ in range(30):
            if told.search(self.terminal.text):
                return
            self.press("down")
        raise AssertionError(f"{title} is not in the list:\n{self.terminal.text}")

    def way(self, title: str) -> None:
        """Tab to the ways out, down to that one, and take it."""
        self.press("tab", "home")
        for _ in range(8):
            if re.search(rf"\bf {re.escape(title)}", self.terminal.text):
                self.press("f")
                return
            self.press("down")
        raise AssertionError(f"{title} is no way out:\n{self.terminal.text}")

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
    me.go_to("Changes")
    me.press("f")
    me.until("7 names are taken", 90)
    for address in ("aws_iam_role.k8s_node", "aws_s3_bucket.images"):
        me.go_to(address)
        me.way("Adopt it")
        me.until("Enter: go ahead")
        me.press("enter")
        me.until(f"zzz", 20)
