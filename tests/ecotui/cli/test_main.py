"""The command line as a whole: help, usage errors, closed pipes, and no terminal anywhere."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ecotui.cli import COMMANDS, main
from ecotui.version import version

Ran = subprocess.CompletedProcess[str]

WITHOUT_A_TERMINAL = {
    "demo": (2, "needs a terminal"),
    "check": (3, ""),
    "quota": (3, ""),
    "cleanup": (3, ""),
    "plan": (1, "terraform does not exist"),
    "adopt": (3, "ecotui plan"),
    "apply": (3, "ecotui plan"),
    "script": (3, ""),
    "why": (0, ""),
    "unlock": (0, ""),
    "recover": (3, ""),
    "cloudfront": (3, ""),
    "nodes": (3, ""),
    "diagnose": (0, ""),
    "guide": (0, ""),
    "sessions": (0, ""),
    "team": (2, "name no team"),
    "init": (0, ""),
    "config": (2, "usage: "),
}
"""Every command, called bare in an empty folder without credentials: exit code, and a part of stderr."""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "ECOTUI_STATE_DIR": str(tmp_path / "state"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def ecotui(tmp_path: Path, environ: dict[str, str]) -> Callable[..., Ran]:
    project = tmp_path / "project"
    project.mkdir()

    def run(*argv: str, script: str = "") -> Ran:
        line = [sys.executable, "-P", "-m", "ecotui", *argv]
        return subprocess.run(
            ["bash", "-c", script, "bash", *line] if script else line,
            cwd=project,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            start_new_session=True,  # no controlling terminal, so that /dev/tty cannot be asked either
            check=False,
        )

    return run


def test_the_table_of_this_test_names_every_command() -> None:
    assert set(WITHOUT_A_TERMINAL) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs_without_a_terminal(command: str, ecotui: Callable[..., Ran]) -> None:
    code, said = WITHOUT_A_TERMINAL[command]
    ran = ecotui(command)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_says_what_it_is_for(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert COMMANDS[command][1:] in " ".join(shown.split())
    assert "--project" in shown


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(re.search(rf"^ +{command} ", shown, re.MULTILINE) for command in COMMANDS)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ecotui {version()}\n"


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "check --nonsense",
        "demo --speed 0",
        "demo --auto --prepare-only",
        "sessions list --limit x",
    ],
)
def test_wrong_words_are_a_usage_error(line: str, ecotui: Callable[..., Ran]) -> None:
    ran = ecotui(*line.split())
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith("usage: ")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("where", ["before", "after"])
def test_the_common_options_work_before_and_after_the_command(
    where: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ["--project", str(tmp_path), "--set", "aws.region=eu-west-1"]
    line = [*given, "config", "show"] if where == "before" else ["config", "show", *given]
    main(line)
    assert "eu-west-1" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["guide", "config show", "check github", "--help"])
def test_a_reader_that_leaves_is_no_error(line: str, ecotui: Callable[..., Ran]) -> None:
    ran = ecotui(*line.split(), script='"$@" | head -n 1; exit 0')
    assert len(ran.stdout.splitlines()) == 1
    assert ran.stderr == ""


def test_a_closed_standard_output_ends_without_a_traceback(ecotui: Callable[..., Ran]) -> None:
    ran = ecotui("guide", "3.1", script='"$@" >/dev/full')
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr
    assert ran.stderr.strip()


def unread(pipe: int) -> int:
    """Bytes in a pipe that its reader has not taken yet."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_waiting_command_at_once(
    number: signal.Signals, environ: dict[str, str], tmp_path: Path
) -> None:
    # Input that never comes: the command waits, as with a terminal.
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "ecotui", "diagnose"],
        cwd=tmp_path,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as waiting:
        assert waiting.stdin is not None
        waiting.stdin.write(b"some text\n")
        waiting.stdin.flush()
        until = time.monotonic() + 20
        while unread(waiting.stdin.fileno()) and time.monotonic() < until:
            time.sleep(0.02)  # until it has read that, and waits for more
        waiting.send_signal(number)
        code = waiting.wait(20)
        assert waiting.stderr is not None
        said = waiting.stderr.read().decode()
    assert code in ((130, -signal.SIGINT) if number == signal.SIGINT else (143, -signal.SIGTERM))
    assert "Traceback" not in said


def test_an_error_of_our_own_is_one_line_and_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(args: object) -> int:
        raise RuntimeError("first \x1b[31mline\nsecond")

    monkeypatch.delenv("ECOTUI_DEBUG", raising=False)
    monkeypatch.setattr("ecotui.cli.guide.run", broken)
    assert main(["guide"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ecotui: RuntimeError: first")
    assert "\x1b" not in said
    assert "ECOTUI_DEBUG" in said
