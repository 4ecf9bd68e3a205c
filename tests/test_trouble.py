"""Trouble that users fear: green without having looked, the wrong thing deleted, a secret on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.environment_tools import look as look_at_tool
from checks.environment_tools import version_in
from checks.finding import State
from checks.world import World
from config.model import Settings, Tool


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
