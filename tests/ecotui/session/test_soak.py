"""A short form of `make soak`: the log tells the truth after kills, cuts and full disks."""

from __future__ import annotations

import subprocess
import sys

from support import ROOT


def test_nothing_that_was_acknowledged_is_lost_and_everything_is_marked_as_what_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "12", "1"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for deed in (
        "killed with -9",
        "cuts of the log",
        "disks filled up",
        "commands started, and killed",
        "times that a project was held",
        "times that an account was held",
    ):
        assert deed in done.stdout
