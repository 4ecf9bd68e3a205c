"""The project's commit is read, and nothing that a repository names is run for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from checks.tools.git import Repository, read_repository

ENV = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}
WHO = ("-c", "user.name=o", "-c", "user.email=o@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *WHO, *words], cwd=folder, env=ENV, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "작업")
    (folder / "main.tf").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_commit_branch_and_changes_are_known_from_any_folder_of_it(project: Path) -> None:
    commit = git(project, "rev-parse", "HEAD")
    inner = project / "terraform"
    inner.mkdir()
    assert read_repository(inner, ENV) == Repository(commit, "작업", dirty=False)
    (project / "notes.txt").write_text("not tracked")
    assert read_repository(project, ENV).dirty is False
    (project / "main.tf").write_text("two\n")
    assert read_repository(project, ENV) == Repository(commit, "작업", dirty=True)
    git(project, "add", ".")
    assert read_repository(project, ENV).dirty is True


def test_packed_references_worktrees_and_no_branch_are_understood(project: Path, tmp_path: Path) -> None:
    commit = git(project, "rev-parse", "HEAD")
    git(project, "pack-refs", "--all")
    git(project, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert read_repository(project, ENV).commit == commit
    assert read_repository(tmp_path / "side", ENV)[:2] == (commit, "side")
    git(project, "checkout", "-q", "--detach")
    assert read_repository(project, ENV)[:2] == (commit, "")


def test_no_program_of_the_repository_is_run(project: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 >> {mark}\ncat\n")
    trap.chmod(0o755)
    (project / ".gitattributes").write_text("*.tf filter=my.trap\n")
    hooks = project / ".git" / "hooks"
    for name in ("post-index-change", "fsmonitor-watchman", "query-watchman"):
        (hooks / name).write_text(trap.read_text())
        (hooks / name).chmod(0o755)
    for key in ("core.fsmonitor", "filter.my.trap.clean", "filter.my.trap.smudge", "filter.my.trap.process"):
        git(project, "config", key, str(trap))
    git(project, "config", "filter.my.trap.required", "true")
    os.utime(project / "main.tf", (1, 1))  # only its content shows whether it changed
    mark.unlink(missing_ok=True)
    assert read_repository(project, ENV).commit
    assert not mark.exists()


def test_what_is_no_repository_is_none(tmp_path: Path) -> None:
    assert read_repository(tmp_path, ENV) == Repository()
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    assert read_repository(tmp_path, ENV) == Repository()
    (tmp_path / ".git").write_bytes(b"\xff\0")
    assert read_repository(tmp_path, ENV) == Repository()


def test_without_git_the_commit_is_known_and_the_changes_are_not(project: Path) -> None:
    found = read_repository(project, {"PATH": "/nowhere"})
    assert found.commit
    assert found.dirty is None
