"""Every command that changes something takes the lock of its project, and is refused with the name of who has it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.cleanup.approval import build_approval, write_approval
from checks.cleanup.model import CleanupDetail
from checks.context import CheckContext
from config.model import Settings
from ecotui.cli import COMMANDS, apply, main
from ecotui.cli.locks import LockUnavailable, lease_override_reason
from ecotui.session import lock
from ecotui.session.lock import ProjectLock

CHANGING = {
    "apply": (),
    "cleanup": ("--delete", "--approve", "approved.json", "--pause", "0"),
    "adopt": ("--undo",),
    "recover": ("--approve", "0a1b2c"),
    "script": ("--run", "--yes"),
    "unlock": ("--approve", "1234"),
    "quota": ("--request", "L-1216C47A", "--value", "32", "--yes"),
}


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectLock]:
    """Somebody works on the project of the current folder."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "terraform").mkdir()
    (project / "ecotui.yaml").write_text(
        "project: eco2\nrebuild: {command: [./rebuild.sh]}\nenvironment: {variables: []}\n"
    )
    (project / "rebuild.sh").write_text("#!/bin/sh\ntouch ran\n")
    (project / "rebuild.sh").chmod(0o755)
    monkeypatch.chdir(project)
    for name, value in {
        "HOME": str(tmp_path),
        "ECOTUI_STATE_DIR": str(tmp_path / "state"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ECOTUI_SESSION", raising=False)
    monkeypatch.setattr("ecotui.session.lock._user_name", lambda *_: "hana")
    taken = lock.acquire_project_lock(tmp_path / "state", project)
    assert isinstance(taken, ProjectLock)
    yield taken
    taken.release()


@pytest.mark.parametrize("command", [one for one in CHANGING if one not in ("apply", "script")])
def test_a_command_that_changes_something_is_refused_with_the_holder_s_name(
    command: str, held: ProjectLock, capsys: pytest.CaptureFixture[str]
) -> None:
    write_approval(build_approval(CleanupDetail(account="1", account_name="a", region="r"), ()), Path("approved.json"))
    assert main([command, *CHANGING[command]]) == 3
    told = capsys.readouterr().err
    assert f"ecotui {command}: hana@" in told
    assert "works on this project; nothing was changed" in told


def test_the_script_is_not_run_while_somebody_works(
    held: ProjectLock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecotui.cli.script.current_account", lambda where: ("1", ""))
    assert main(["script", "--run", "--yes"]) == 3
    assert "hana@" in capsys.readouterr().err
    assert not Path("ran").exists()
    held.release()
    assert main(["script", "--run", "--yes"]) == 0
    assert Path("ran").exists()


def test_nothing_is_applied_while_somebody_works(held: ProjectLock, tmp_path: Path) -> None:
    where = CheckContext(settings=Settings(project="eco2"), project=tmp_path / "project")
    nothing: Any = None  # the lock comes before anything else is looked at
    with pytest.raises(LockUnavailable, match="hana@"):
        apply._run_apply(where, nothing, nothing, nothing, {}, argparse.Namespace(override=[]))


def test_what_only_looks_is_not_held_up(held: ProjectLock, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("adopt",), ("script",), ("sessions", "list")):
        main(list(words))
        assert "works on this project" not in capsys.readouterr().err


def test_a_child_of_the_tui_has_the_lock_from_its_parent(
    held: ProjectLock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOTUI_SESSION", "20260101-000000-abcdef")
    assert main(["adopt", "--undo"]) == 0
    assert "works on this project" not in capsys.readouterr().err


def test_an_override_needs_a_reason_and_names_the_lock() -> None:
    assert lease_override_reason(["environment.team=S3 is down"]) == "S3 is down"
    assert lease_override_reason(["environment.team= "]) == ""
    assert lease_override_reason(["environment.team", "iam-policy:x=because", "environment.teams=x"]) == ""


def test_every_command_with_an_override_is_held_here(capsys: pytest.CaptureFixture[str]) -> None:
    able = set()
    for command in COMMANDS:
        main([command, "--help"])
        if "--override" in capsys.readouterr().out:
            able.add(command)
    assert able == set(CHANGING)
