"""Trouble that users fear: green without having looked, the wrong thing deleted, a secret on the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checks.apply.forecast import Forecast
from checks.apply.plan import Plan
from checks.apply.review import Review
from checks.environment_tools import look as look_at_tool
from checks.environment_tools import version_in
from checks.finding import State
from checks.world import World
from config.model import Aws, Settings, Tool
from ecotui.cli.apply import _wrong_account


def world(tmp_path: Path, tools: Path) -> World:
    return World(Settings(project="trouble"), tmp_path, {"PATH": str(tools), "HOME": str(tmp_path)})


def program(folder: Path, name: str, body: bytes) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"#!/bin/sh\nwhile read -r line; do echo \"$line\"; done <<'END'\n" + body + b"\nEND\n")
    path.chmod(0o755)


@pytest.mark.parametrize("name", ["terraform", "gh", "kubectl"])
def test_a_tool_that_prints_garbage_with_a_number_in_it_is_never_green(tmp_path: Path, name: str) -> None:
    program(tmp_path / "bin", name, b"\xff\xfe\x9b31m 93.0 \x80\x81")
    finding, seen = look_at_tool(world(tmp_path, tmp_path / "bin"), Tool(name=name, minimum="1.5.0"))
    assert finding.state is State.UNKNOWN
    assert seen.version == ""


@pytest.mark.parametrize("said", ["x9.9y", "see 10.0.0.1:8080 for help", "a7.25.1.z"])
def test_a_number_inside_a_word_is_not_a_version(said: str) -> None:
    assert version_in("gh", said) == ""


@pytest.mark.parametrize("account", ["123456789012", ""])
def test_a_plan_is_not_applied_in_an_account_that_the_settings_do_not_mean(
    tmp_path: Path, aws_env: dict[str, str], account: str
) -> None:
    review = Review(
        plan_sha256="",
        made=0,
        folder="",
        workspace="",
        plan=Plan(terraform="1.11.4", format="1.2", changes=()),
        forecast=Forecast(),
        account=account,
        region="ap-northeast-2",
        serial=-1,
        lineage="",
    )
    other = World(Settings(project="trouble", aws=Aws(account="999999999999")), tmp_path, aws_env)
    assert "the settings mean 999999999999" in _wrong_account(other, review)
    ours = World(Settings(project="trouble", aws=Aws(account="123456789012")), tmp_path, aws_env)
    assert _wrong_account(ours, review) == ""


def test_nothing_is_planned_in_an_account_that_the_settings_do_not_mean(
    tmp_path: Path, aws_env: dict[str, str]
) -> None:
    program(tmp_path / "bin", "terraform", b"")
    touched = tmp_path / "touched"
    (tmp_path / "bin" / "terraform").write_text(f'#!/bin/sh\necho "$@" >> {touched}\nexit 1\n')
    (tmp_path / "ecotui.yaml").write_text('project: trouble\naws: {account: "999999999999"}\n')
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform" / "main.tf").write_text("")
    env = {
        **aws_env,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "ECOTUI_STATE_DIR": str(tmp_path / "state"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ecotui", "plan"],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert "the settings mean 999999999999" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not touched.exists()
