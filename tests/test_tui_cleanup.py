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
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from ecotui.demo.providers import find_mirror
from ecotui.demo.running import Demo, running

pytestmark = [pytest.mark.real, pytest.mark.world, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running(speed=20) as made:
        yield made


class Screen:
    """The TUI in a terminal of its own."""

    def __init__(self, demo: Demo, lines: int, columns: int) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            ["-P", "-m", "ecotui"],
            cwd=str(demo.project),
            env={**demo.env, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[1])},  # type: ignore[arg-type]
            dimensions=(lines, columns),
            encoding="utf-8",
            timeout=90,
        )

    def to_the_list(self, rows: str) -> None:
        """Go to the step until its list is there; a key may fall into the first moment of the program."""
        self.child.expect_exact("\x1b[?1049h")  # the alternate screen: it stands
        for _ in range(60):
            self.child.send("4")
            if self.child.expect([rows, pexpect.TIMEOUT], timeout=1.5) == 0:
                return
        pytest.fail(f"the list was not seen: {self.child.before!r}")

    def delete(self, account: str, choose: str) -> int:
        """Into the table, chosen with one key, and the consent typed as it is asked for; how many were agreed to."""
        self.child.send("\t")
        time.sleep(0.5)
        self.child.send(choose)
        time.sleep(0.5)
        self.child.send("d")
        self.child.expect(rf"{account} (\d+)")
        count = int(self.child.match.group(1))
        time.sleep(0.3)
        self.child.send(f"{account} {count}\r")
        return count

    def close(self) -> None:
        with suppress(OSError):
            self.child.kill(signal.SIGKILL)
        self.child.close(force=True)


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
    wide = Screen(demo, 36, 120)
    try:
        wide.to_the_list("elastic-ip")
        assert wide.delete("eco2-demo", "a") == len(before)  # all of them
        wide.child.expect("waiting until every edge has it", timeout=60)
    finally:
        wide.close()
    assert kill_everything(demo) == 2
    some = left(demo)
    assert "cloudfront" in some
    assert len(some) < len(before)
    narrow = Screen(demo, 24, 80)
    try:
        narrow.to_the_list("cloudfront")
        narrow.delete("eco2-demo", "p")  # what is proven; the list may still be that of the last look
        narrow.child.expect("Nothing of an earlier deployment is", timeout=90)
    finally:
        narrow.close()
    planned = subprocess.run(
        [sys.executable, "-P", "-m", "ecotui", "plan", "--json"], cwd=demo.project, env=demo.env, capture_output=True, text=True,
    )  # fmt: skip
    forecast = json.loads(planned.stdout)
    assert re.search("aws_", forecast["changes"][0]["type"])
    assert forecast["collisions"] == []
