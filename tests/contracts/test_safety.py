"""Trouble that users fear: green without having looked, the wrong thing deleted, a secret on the disk."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from checks.apply.forecast.model import Forecast, SavedReview
from checks.apply.plan.model import Plan
from checks.context import CheckContext
from checks.environment.tools import check_tool as look_at_tool
from checks.environment.tools import parse_version
from checks.finding import CheckState
from config.model import AwsSettings, Settings, ToolSettings
from ecotui.cli.apply import _account_mismatch


def world(tmp_path: Path, tools: Path) -> CheckContext:
    return CheckContext(Settings(project="trouble"), tmp_path, {"PATH": str(tools), "HOME": str(tmp_path)})


def program(folder: Path, name: str, body: bytes) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"#!/bin/sh\nwhile read -r line; do echo \"$line\"; done <<'END'\n" + body + b"\nEND\n")
    path.chmod(0o755)


@pytest.mark.parametrize("name", ["terraform", "gh", "kubectl"])
def test_a_tool_that_prints_garbage_with_a_number_in_it_is_never_green(tmp_path: Path, name: str) -> None:
    program(tmp_path / "bin", name, b"\xff\xfe\x9b31m 93.0 \x80\x81")
    finding, seen = look_at_tool(world(tmp_path, tmp_path / "bin"), ToolSettings(name=name, minimum="1.5.0"))
    assert finding.state is CheckState.UNKNOWN
    assert seen.version == ""


@pytest.mark.parametrize("said", ["x9.9y", "see 10.0.0.1:8080 for help", "a7.25.1.z"])
def test_a_number_inside_a_word_is_not_a_version(said: str) -> None:
    assert parse_version("gh", said) == ""


@pytest.mark.parametrize("account", ["123456789012", ""])
def test_a_plan_is_not_applied_in_an_account_that_the_settings_do_not_mean(
    tmp_path: Path, aws_env: dict[str, str], account: str
) -> None:
    review = SavedReview(
        plan_sha256="",
        created_at=0,
        folder="",
        workspace="",
        plan=Plan(terraform="1.11.4", format="1.2", changes=()),
        forecast=Forecast(),
        account=account,
        region="ap-northeast-2",
        serial=-1,
        lineage="",
    )
    other = CheckContext(Settings(project="trouble", aws=AwsSettings(account="999999999999")), tmp_path, aws_env)
    assert "the settings mean 999999999999" in _account_mismatch(other, review)
    ours = CheckContext(Settings(project="trouble", aws=AwsSettings(account="123456789012")), tmp_path, aws_env)
    assert _account_mismatch(ours, review) == ""


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


def test_a_polite_kill_of_a_plan_ends_its_terraform_too(tmp_path: Path, aws_env: dict[str, str]) -> None:
    (tmp_path / "bin").mkdir()
    started = tmp_path / "started"
    tool = tmp_path / "bin" / "terraform"
    tool.write_text(f"#!/bin/sh\necho $$ > {started}.new\nmv {started}.new {started}\nexec sleep 60\n")
    tool.chmod(0o755)
    (tmp_path / "ecotui.yaml").write_text("project: trouble\n")
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform" / "main.tf").write_text("")
    env = {
        **aws_env,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "ECOTUI_STATE_DIR": str(tmp_path / "state"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    plan = subprocess.Popen(
        [sys.executable, "-m", "ecotui", "plan"],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + 30
        while not started.exists() and time.monotonic() < end:
            time.sleep(0.02)
        plan.send_signal(signal.SIGTERM)
        _, said = plan.communicate(timeout=20)
    finally:
        plan.kill()
    assert plan.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    # A zombie has ended too: nobody may be there to bury it. On a busy machine a killed process takes a moment to go.
    end = time.monotonic() + 10
    while (state := state_of(started.read_text().strip())) not in ("", "Z") and time.monotonic() < end:
        time.sleep(0.05)
    assert state in ("", "Z")


def state_of(pid: str) -> str:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, timeout=10)
    return listed.stdout.strip()[:1]


def test_a_demo_world_whose_starter_has_gone_ends_without_a_word(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", "from ecotui.demo.server import _print_json; _print_json({'doing': 'x'}); print('on')"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_leaving_while_it_looks_says_nothing_of_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    from ecotui.check_runner import run_checks

    complaints: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: complaints.append(str(what.exc_value)))

    async def leave() -> None:
        async def work() -> None:
            async for _report in run_checks(argv=[sys.executable, "-c", "import time; time.sleep(60)"]):
                pass

        looking = asyncio.create_task(work())
        await asyncio.sleep(0.2)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking

    asyncio.run(leave())
    gc.collect()
    assert complaints == []
