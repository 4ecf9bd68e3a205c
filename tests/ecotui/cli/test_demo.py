"""`ecotui demo` as a command: what it refuses, what it prints, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from ecotui.cli import main

ECOTUI = [sys.executable, "-P", "-m", "ecotui", "demo"]


def homes(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("ecotui-demo")]


def test_without_a_terminal_it_names_the_way_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 2
    assert "ecotui demo --auto" in capsys.readouterr().err


def test_json_without_auto_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 2
    assert "--auto" in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "fast"])
def test_a_speed_that_is_none_is_a_usage_error(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--auto", f"--speed={speed}"]) == 2
    assert "--speed" in capsys.readouterr().err


def test_without_moto_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ecotui.demo.process.importlib.util.find_spec", lambda name: None)
    assert main(["demo", "--auto"]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == ("ecotui demo: the demo needs moto's server, which is not installed: pip install 'ecotui[demo]'")


@pytest.mark.world
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_world_alone_prints_lines_for_a_shell_and_goes_without_a_trace(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "AWS_ACCESS_KEY_ID": "AKIAUSER"}
    demo = subprocess.Popen(
        [*ECOTUI, "--prepare-only"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if line.startswith("cd "):
            break
    assert any(line.startswith("unset ") and "AWS_ACCESS_KEY_ID" in line for line in lines)
    said = subprocess.run(
        ["sh", "-c", "".join(lines) + 'echo "$AWS_PROFILE [$AWS_ACCESS_KEY_ID] $ECOTUI_DEMO"; ls'],
        capture_output=True,
        text=True,
        env=env,
    ).stdout
    assert said.splitlines()[0].startswith("eco2-demo [] terraform ")
    assert "ecotui.yaml" in said
    assert homes(tmp_path)
    demo.send_signal(number)
    assert demo.wait(20) == code
    demo.stdout.close()
    assert demo.stderr is not None
    assert "Traceback" not in demo.stderr.read()
    demo.stderr.close()
    assert homes(tmp_path) == []


@pytest.mark.world
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_tui_and_restores_the_terminal(number: signal.Signals, tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm-256color"}
    demo = pexpect.spawn(ECOTUI[0], [*ECOTUI[1:], "--speed", "20"], env=env, dimensions=(36, 120), timeout=30)
    demo.expect_exact(b"\x1b[?1049h")
    until = time.monotonic() + 1.5
    while time.monotonic() < until:  # the TUI must be able to write, or it hangs on a full terminal
        try:
            demo.read_nonblocking(65536, 0.2)
        except pexpect.TIMEOUT:
            continue
    demo.kill(number)
    demo.expect_exact(b"\x1b[?1049l")
    demo.expect(pexpect.EOF)
    demo.wait()
    assert demo.exitstatus == 128 + number
    assert homes(tmp_path) == []
