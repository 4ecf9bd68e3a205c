"""The commit and branch of a project, and whether tracked files differ, read so that nothing of the repository runs.

The commit is read from git's own files: a repository's configuration can have git run programs. Only whether a tracked
file differs is asked of git, with hooks, the file monitor and filters turned off.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from checks.sanitize import one_line

GIT_TIMEOUT = 3.0
"""Seconds for one answer of git; a repository of 100,000 files takes about one."""
MAX_REFS_BYTES = 10_000_000
"""Bytes of a file of references that are read."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FILTER = re.compile(r"filter\.(?P<name>.+)\.(?:clean|smudge|process|required)", re.DOTALL)
_SAFE_GIT_OPTIONS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "--no-optional-locks")


class Repository(NamedTuple):
    """The commit that a project is at."""

    commit: str = ""
    """The full hash; empty where there is no repository, or nothing is committed yet."""
    branch: str = ""
    """Empty when no branch is checked out."""
    dirty: bool | None = None
    """Whether a tracked file differs from the commit; None where that is not known."""


def read_repository(folder: Path, env: Mapping[str, str]) -> Repository:
    """The repository around a folder. Never raises: what cannot be read is left out."""
    found = read_head(folder)
    return found._replace(dirty=_is_dirty(folder, env)) if found.commit else found


def read_head(folder: Path) -> Repository:
    """Commit and branch from git's files alone, which takes no time; `dirty` is None."""
    try:
        home = _git_directory(folder)
        branch, commit = ("", "") if home is None else _resolve_head(home)
    except (OSError, ValueError):
        return Repository()
    return Repository(commit, branch)


def _git_directory(folder: Path) -> Path | None:
    """The folder with HEAD in it: `.git`, or what a file of that name points at (a worktree, a submodule)."""
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if git.is_dir():
            return git
        if git.is_file():
            target = _read_text(git).partition("gitdir:")[2].strip()
            return (parent / target).resolve() if target else None
    return None


def _resolve_head(git_directory: Path) -> tuple[str, str]:
    """Branch and commit. A reference has a file of its own, or a line in the list of packed ones."""
    head = _read_text(git_directory / "HEAD").strip()
    if not head.startswith("ref:"):
        return "", head if _COMMIT.fullmatch(head) else ""
    name = head.removeprefix("ref:").strip()
    if ".." in name or name.startswith("/"):
        return "", ""
    branch = one_line(name.removeprefix("refs/heads/"), limit=200)
    common = git_directory / "commondir"
    shared = (git_directory / _read_text(common).strip()).resolve() if common.is_file() else git_directory
    for directory in (git_directory, shared):
        loose = directory / name
        if loose.is_file() and _COMMIT.fullmatch(found := _read_text(loose).strip()):
            return branch, found
    packed = shared / "packed-refs"
    for line in _read_text(packed).splitlines() if packed.is_file() else ():
        commit, _, reference = line.partition(" ")
        if reference == name and _COMMIT.fullmatch(commit):
            return branch, commit
    return branch, ""


def _is_dirty(folder: Path, env: Mapping[str, str]) -> bool | None:
    filters = _run_git(folder, env, "config", "--name-only", "-z", "--get-regexp", r"^filter\.")
    if filters is None:
        return None
    disabled: list[str] = []
    for key in filters.decode("utf-8", "surrogateescape").split("\0"):
        if found := _FILTER.fullmatch(key):
            # Without a program, and not required, a filter is passed over.
            for part in ("clean=", "smudge=", "process=", "required=false"):
                disabled += ["-c", f"filter.{found['name']}.{part}"]
    status = ("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all")
    changed = _run_git(folder, env, *disabled, *status)
    return None if changed is None else bool(changed)


def _run_git(folder: Path, env: Mapping[str, str], *words: str) -> bytes | None:
    """The output of git; None where git is missing, refuses, or takes too long."""
    clean = {name: value for name, value in env.items() if not name.startswith("GIT_")}
    try:
        result = subprocess.run(
            ["git", *_SAFE_GIT_OPTIONS, *words],
            cwd=folder,
            env={**clean, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=GIT_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    # `config --get-regexp` exits 1 when there is no such key.
    return result.stdout if result.returncode == 0 or (result.returncode == 1 and "config" in words) else None


def _read_text(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(MAX_REFS_BYTES).decode("utf-8", "replace")
