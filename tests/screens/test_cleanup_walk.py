"""The demo's account full of leftovers, cleaned in the TUI key by key: killed with all that it started, and begun again.

In real terminals of both sizes, against the embedded AWS, with the real terraform for the forecast at the end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from support.terminal import Terminal

from ecotui.demo.process import Demo, run_demo
from ecotui.demo.provider_mirror import find_mirror

pytestmark = [pytest.mark.walk, pytest.mark.real, pytest.mark.world, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    # A distribution takes seven seconds: long enough to be seen waiting by a busy machine.
    with run_demo(speed=8) as made:
        yield made


class Operator:
    """Has a terminal, and nothing but keys."""

    def __init__(self, demo: Demo, lines: int, columns: int) -> None:
        self.terminal = Terminal(demo.project, demo.env, lines=lines, columns=columns)
        self.until, self.press, self.close = self.terminal.until, self.terminal.press, self.terminal.close

    def to_the_list(self, row: str) -> None:
        """To the step, until its list is there."""
        self.until(r"[✓✗!?·]\s*7")
        self.press("4")
        self.until(r"[✗!] (blocked|warn) · \d+ leftovers?\s+Cleanup")  # looked at now, not by the session before
        self.until(row)

    def delete(self, account: str, choose: str) -> int:
        """Into the table, chosen with one key, and the consent typed as it is asked for; how many were agreed to."""
        self.press("tab", choose, "d")
        count = int(self.until(rf"type {account} (\d+)").group(1))
        self.press(*f"{account} {count}", "enter")
        return count


def left(demo: Demo) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "ecotui", "cleanup", "--json"], cwd=demo.project, env=demo.env, capture_output=True, text=True,
    )  # fmt: skip
    resources = json.loads(ran.stdout)["resources"]
    return sorted(one["kind"] for one in resources if one["action"] not in ("keep", "terraform-destroy"))


def kill_everything(demo: Demo) -> int:
    """-9 for the supervisors and commands of the running deletion, as a machine that loses its power does."""
    killed = 0
    for told in demo.sessions.glob("sessions/*/commands/*-cleanup-*/process.json"):
        process = json.loads(told.read_text())
        for name in ("supervisor", "child"):
            with suppress(ProcessLookupError, KeyError, TypeError):
                os.kill(int(process[name]), signal.SIGKILL)
                killed += 1
    return killed


def test_leftovers_go_by_keys_through_a_kill_of_everything_and_the_forecast_after_it_finds_no_name_taken(
    demo: Demo,
) -> None:
    for there, what in (
        (shutil.which("terraform"), "terraform"),
        (find_mirror(), "a mirror of the AWS provider"),
    ):
        if not there:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not on this machine")
    before = left(demo)
    assert before.count("iam-policy") == 2
    assert {"cloudfront", "s3-bucket", "elastic-ip", "volume", "iam-role"} <= set(before)
    wide = Operator(demo, 36, 120)
    try:
        wide.to_the_list("elastic-ip")
        assert wide.delete("eco2-demo", "a") == len(before)  # all of them
        wide.until("waiting until", 90)
    finally:
        wide.close()
    assert kill_everything(demo) == 2
    some = left(demo)
    assert "cloudfront" in some
    assert len(some) < len(before)
    narrow = Operator(demo, 24, 80)
    try:
        narrow.to_the_list("cloudfront")
        narrow.delete("eco2-demo", "p")  # what is proven
        narrow.until("No leftovers of an earlier deployment", 90)
    finally:
        narrow.close()
    planned = subprocess.run(
        [sys.executable, "-P", "-m", "ecotui", "plan", "--json"], cwd=demo.project, env=demo.env, capture_output=True, text=True,
    )  # fmt: skip
    forecast = json.loads(planned.stdout)
    assert re.search("aws_", forecast["changes"][0]["type"])
    assert forecast["collisions"] == []
