"""Fresh interpreters: a headless command never imports Textual, and a first paint waits for nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecotui.cli import COMMANDS

RUN = """
import contextlib, io, json, sys
from ecotui.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    code = main(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
BUILD = """
import argparse, json, sys
from ecotui.app import EcotuiApp
EcotuiApp(argparse.Namespace(project=None, config=None, set=[]), {})
print(json.dumps([0, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
DRAWN = {"textual", "rich", "screens"}
HEAVY = {"boto3", "botocore", "moto", "sh", "yaml", "s3transfer", "urllib3", "flask", "pydantic"}


def loaded(script: str, *argv: str, folder: Path) -> tuple[int, set[str]]:
    """The exit code and the top-level modules of a fresh interpreter."""
    ran = subprocess.run(
        [sys.executable, "-P", "-c", script, *argv],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/nowhere", "ECOTUI_STATE_DIR": str(folder / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    code, names = json.loads(ran.stdout)
    return code, set(names)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_imports_nothing_heavy(command: str, tmp_path: Path) -> None:
    code, names = loaded(RUN, command, "--help", folder=tmp_path)
    assert code == 0
    assert names & (DRAWN | HEAVY) == set()


@pytest.mark.parametrize("line", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(line: str, tmp_path: Path) -> None:
    code, names = loaded(RUN, line, folder=tmp_path)
    assert code == 0
    assert names & (DRAWN | HEAVY) == set()


@pytest.mark.parametrize("line", ["guide 3.1", "sessions list", "config show", "config explain", "config validate"])
def test_reading_commands_import_neither_the_screens_nor_aws(line: str, tmp_path: Path) -> None:
    code, names = loaded(RUN, *line.split(), folder=tmp_path)
    assert code == 0
    assert names & (DRAWN | HEAVY - {"yaml"}) == set()


def test_looking_imports_boto3_but_not_the_screens(tmp_path: Path) -> None:
    # The environment step without credentials: no network is asked.
    line = ["check", "environment", "--set", "aws.timeout=1"]
    code, names = loaded(RUN, *line, folder=tmp_path)
    assert code == 3
    assert "botocore" in names  # this test would prove nothing if the look had not happened
    assert names & DRAWN == set()


def test_the_app_stands_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    _, names = loaded(BUILD, folder=tmp_path)
    assert "textual" in names
    assert names & HEAVY == set()


def test_the_supervisor_starts_without_the_screens_and_aws(tmp_path: Path) -> None:
    script = "import json, sys, ecotui.supervisor.process; print(json.dumps([0, sorted(sys.modules)]))"
    _, names = loaded(script, folder=tmp_path)
    assert "ecotui.supervisor.process" in names
    assert names & (DRAWN | {"boto3", "botocore", "yaml"}) == set()
