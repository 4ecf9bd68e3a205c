"""Processes of this machine: which terraform runs, and where; which processes carry a mark in their environment."""

from __future__ import annotations

from pathlib import Path

from checks.finding import FrozenStruct
from checks.sanitize import one_line

_TERRAFORM_NAMES = frozenset({"terraform", "tofu", "terragrunt"})


class TerraformProcess(FrozenStruct, frozen=True):
    pid: int
    command: str
    """Its command line, in one line; values of -var are left out."""
    started: float
    """Seconds since the epoch."""
    folder: str = ""
    """Its working folder; empty when it may not be read (another user's)."""

    @property
    def label(self) -> str:
        return f"process {self.pid} ({self.command})"


def find_terraform_processes(command: str = "") -> tuple[TerraformProcess, ...] | None:
    """Every terraform (or tofu, or `command`) that runs, oldest first; None where processes cannot be listed."""
    import psutil

    names = _TERRAFORM_NAMES | {Path(command).name} if command else _TERRAFORM_NAMES
    found = []
    try:
        for process in psutil.process_iter(["cmdline", "create_time", "cwd", "status"]):
            words = process.info["cmdline"] or []
            # An interpreter's first word is its own name; the script comes second.
            if process.info["status"] in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) or not any(
                Path(word).name in names for word in words[:2]
            ):
                continue
            folder = process.info["cwd"] or ""
            for word in words:
                if word.startswith("-chdir="):
                    folder = str((Path(folder or "/") / word.removeprefix("-chdir=")).resolve())
            found.append(
                TerraformProcess(process.pid, _format_command_line(words), process.info["create_time"] or 0.0, folder)
            )
    except (OSError, psutil.Error):  # no /proc
        return None
    return tuple(sorted(found, key=lambda one: one.started))


def find_processes_by_environment(variable: str, value: str) -> set[int]:
    """The processes that run with this value of an environment variable, of those whose environment may be read."""
    import psutil

    found = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == value:
                found.add(process.pid)
        except (OSError, psutil.Error):  # gone, a zombie, or another user's
            continue
    return found


def _format_command_line(words: list[str]) -> str:
    shown = [word if not word.startswith("-var=") else "-var=…" for word in words]
    return one_line(" ".join([Path(shown[0]).name, *shown[1:]]), limit=120)
