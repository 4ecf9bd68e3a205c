"""Processes of this machine: terraform with its folder, and processes by a mark in their environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.tools.processes import TerraformProcess, find_processes_by_environment, find_terraform_processes


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A script that is called terraform-of-test, as an interpreter runs it."""
    script = tmp_path / "terraform-of-test"
    script.write_text("import time\ntime.sleep(60)\n")
    (tmp_path / "infra").mkdir()
    argv = [sys.executable, str(script), "-chdir=infra", "apply", "-var=password=hidden"]
    process = subprocess.Popen(argv, cwd=tmp_path, env={**os.environ, "ECOTUI_TEST_MARK": str(tmp_path)})
    yield process
    process.kill()
    process.wait()


def running(pid: int) -> TerraformProcess | None:
    return next((one for one in find_terraform_processes("/bin/terraform-of-test") or () if one.pid == pid), None)


def test_a_running_terraform_is_found_with_its_folder_and_without_its_values(
    child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    found = running(child.pid)
    assert found is not None
    assert found.folder == str(tmp_path / "infra")
    assert abs(found.started - time.time()) < 30
    assert "hidden" not in found.command
    assert "-chdir=infra apply -v" in found.command
    assert child.pid not in {one.pid for one in find_terraform_processes() or ()}


def test_a_terraform_that_ended_is_not_found(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    until = time.monotonic() + 10
    while running(child.pid) is not None:
        # A zombie until `wait` takes its exit code.
        assert time.monotonic() < until
        time.sleep(0.05)


def test_processes_are_found_by_their_environment(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    until = time.monotonic() + 10
    while find_processes_by_environment("ECOTUI_TEST_MARK", str(tmp_path)) != {child.pid}:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert find_processes_by_environment("ECOTUI_TEST_MARK", "another") == set()
